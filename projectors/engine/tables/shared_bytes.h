#pragma once

#include <atomic>
#include <cstddef>

namespace sluice {

// So many bytes for all partitions of a process together: one busy partition may have what the
// others leave. Any thread.
class SharedBytes {
 public:
  explicit SharedBytes(std::size_t most) : most_(most) {}

  void count(std::ptrdiff_t change) { held_ += static_cast<std::size_t>(change); }
  // What who holds `own` of it may hold: that, and what nobody does.
  [[nodiscard]] std::size_t left_beside(std::size_t own) const {
    const std::size_t others = held() - own;
    return most_ > others ? most_ - others : 0;
  }
  [[nodiscard]] bool over() const { return held_ > most_; }
  [[nodiscard]] std::size_t held() const { return held_.load(std::memory_order_relaxed); }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> held_{0};
};

}  // namespace sluice

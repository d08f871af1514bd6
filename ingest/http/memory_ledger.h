#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace sluice::http {

// What all connections of a server hold together: what is read, what bodies unpack to, what is made
// of them, replies. It is taken before it is used, and given back. Any thread.
class MemoryLedger {
 public:
  // Whether the process has room for so many bytes more.
  using Room = std::function<bool(std::size_t more)>;

  // `room` may be empty; it is asked for large shares alone, since asking costs a system call.
  explicit MemoryLedger(std::size_t most, Room room = {}) : most_(most), room_(std::move(room)) {}

  // `large`: of a share that holds much. An eighth is left to the others, so that a client
  // that sends large bodies slowly does not shut them out.
  [[nodiscard]] bool take(std::size_t bytes, bool large) {
    const std::size_t bound = large ? most_ - most_ / 8 : most_;
    const std::size_t before = held_.fetch_add(bytes);
    if (before + bytes <= bound && (!large || !room_ || room_(bytes))) return true;
    held_.fetch_sub(bytes);
    return false;
  }
  // What is there already, as a reply is, is counted in any case.
  void add(std::size_t bytes) { held_.fetch_add(bytes); }
  void give_back(std::size_t bytes) { held_.fetch_sub(bytes); }
  [[nodiscard]] std::size_t held() const { return held_.load(); }

 private:
  const std::size_t most_;
  const Room room_;
  std::atomic<std::size_t> held_{0};
};

// A part of the ledger, given back when it ends. One thread at a time. Counts in steps, not to go
// to the ledger for each small request.
class MemoryShare {
 public:
  MemoryShare() = default;
  explicit MemoryShare(std::shared_ptr<MemoryLedger> ledger) : ledger_(std::move(ledger)) {}
  MemoryShare(MemoryShare&& other) noexcept
      : ledger_(std::move(other.ledger_)), held_(std::exchange(other.held_, 0)) {}
  MemoryShare& operator=(MemoryShare&& other) noexcept {
    set(0);
    ledger_ = std::move(other.ledger_);
    held_ = std::exchange(other.held_, 0);
    return *this;
  }
  ~MemoryShare() { set(0); }

  // Holds so many bytes from now on; false, and holds what it held, when there are not as many.
  [[nodiscard]] bool resize(std::size_t bytes) {
    const std::size_t wanted = in_steps(bytes);
    if (wanted > held_ && ledger_ && !ledger_->take(wanted - held_, wanted > kSmall)) return false;
    if (wanted < held_ && ledger_) ledger_->give_back(held_ - wanted);
    held_ = wanted;
    return true;
  }
  // The same, and whether there are as many or not.
  void set(std::size_t bytes) {
    if (resize(bytes)) return;
    ledger_->add(in_steps(bytes) - held_);
    held_ = in_steps(bytes);
  }
  [[nodiscard]] std::size_t held() const { return held_; }

 private:
  static constexpr std::size_t kStep = 4096;
  static constexpr std::size_t kSmall = 256 * 1024;
  static constexpr std::size_t in_steps(std::size_t bytes) {
    return (bytes + kStep - 1) / kStep * kStep;
  }

  std::shared_ptr<MemoryLedger> ledger_;  // null: nobody counts
  std::size_t held_ = 0;
};

}  // namespace sluice::http

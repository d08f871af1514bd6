#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

// How often a number was how large. One thread at a time.
class Histogram {
 public:
  // Ascending; borrowed for good, so constants. What is above the last has a bucket of its own.
  explicit Histogram(std::span<const double> bounds)
      : bounds_(bounds), counts_(bounds.size() + 1) {}

  void observe(double value, std::uint64_t times = 1) {
    const auto at = std::ranges::lower_bound(bounds_, value);
    counts_[static_cast<std::size_t>(at - bounds_.begin())] += times;
    sum_ += value * static_cast<double>(times);
    count_ += times;
  }

  [[nodiscard]] std::span<const double> bounds() const { return bounds_; }
  // Of each bucket by itself, the one above the last bound included.
  [[nodiscard]] const std::vector<std::uint64_t>& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double sum() const { return sum_; }

 private:
  std::span<const double> bounds_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace sluice

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace sluice::simulate {

// The same numbers from the same seed on any machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}

  // From 0 up to, not including, n. The bias is below n / 2^64.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(bits_() % n); }
  int between(int least, int most) {
    return least + static_cast<int>(below(static_cast<std::size_t>(most - least) + 1));
  }
  // True so many times in a thousand.
  bool per_mille(int times) { return below(1000) < static_cast<std::size_t>(times); }
  // From 0 up to, not including, 1.
  double fraction() { return static_cast<double>(bits_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 bits_;
};

// Zipf's law with exponent 1: of n things, the k-th is chosen 1/k as often as the first.
class Zipf {
 public:
  // A rank from 0 up to, not including, n.
  std::size_t rank(std::size_t n, Random& random) {
    while (sums_.size() < n) {
      const double before = sums_.empty() ? 0 : sums_.back();
      sums_.push_back(before + 1.0 / static_cast<double>(sums_.size() + 1));
    }
    const auto end = sums_.begin() + static_cast<std::ptrdiff_t>(n);
    const double point = random.fraction() * sums_[n - 1];
    const auto found = std::upper_bound(sums_.begin(), end, point);
    return std::min(static_cast<std::size_t>(found - sums_.begin()), n - 1);
  }

 private:
  std::vector<double> sums_;  // of 1/1 .. 1/k
};

}  // namespace sluice::simulate

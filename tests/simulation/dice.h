#pragma once

#include <cstdint>
#include <random>

namespace sluice::simulation {

// What a seed chooses, one thing after the other.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  // From 0 on.
  [[nodiscard]] int below(int bound) {
    return static_cast<int>(random_() % static_cast<std::uint64_t>(bound));
  }
  [[nodiscard]] bool chance(int percent) { return below(100) < percent; }

 private:
  std::mt19937_64 random_;
};

}  // namespace sluice::simulation

#pragma once

// Pauses between tries of something that fails: doubled each time, with jitter, so that those who
// fail together do not try together.

#include <algorithm>
#include <chrono>
#include <random>

namespace sluice {

class Backoff {
 public:
  using Clock = std::chrono::steady_clock;
  struct Limits {
    std::chrono::milliseconds first{100};
    // What waits for this is told as trouble meanwhile, and must be over soon after its cause.
    std::chrono::milliseconds longest{2000};
  };

  // The next try is due after half of the pause to all of it.
  void failed(Clock::time_point now, const Limits& limits, std::minstd_rand& random) {
    pause_ = std::clamp(pause_ * 2, limits.first, limits.longest);
    using Count = std::chrono::milliseconds::rep;
    std::uniform_int_distribution<Count> spread(pause_.count() / 2, pause_.count());
    retry_at_ = now + std::chrono::milliseconds{spread(random)};
  }
  void worked() { pause_ = std::chrono::milliseconds{0}; }

  [[nodiscard]] bool waits(Clock::time_point now) const { return now < retry_at_; }
  // 0: the last try worked.
  [[nodiscard]] std::chrono::milliseconds pause() const { return pause_; }

 private:
  std::chrono::milliseconds pause_{0};
  Clock::time_point retry_at_;
};

}  // namespace sluice

#pragma once

// How long something that is done again and again took of late.

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>

#include "storage/base/mutex.h"

namespace sluice {

// The last 64, of the last minute. Any thread.
class RecentTimes {
 public:
  using Clock = std::chrono::steady_clock;

  struct Seen {
    std::size_t times = 0;
    std::chrono::nanoseconds median{0};  // 0: it was not done
    std::chrono::nanoseconds longest{0};
  };

  explicit RecentTimes(std::function<Clock::time_point()> clock = Clock::now)
      : clock_(std::move(clock)) {}

  // It has just ended.
  void add(std::chrono::nanoseconds took);
  [[nodiscard]] Seen seen() const;

 private:
  static constexpr std::size_t kKept = 64;
  static constexpr std::chrono::minutes kLately{1};

  struct Timed {
    Clock::time_point ended;
    std::chrono::nanoseconds took;
  };

  const std::function<Clock::time_point()> clock_;
  mutable Mutex mutex_;
  std::array<Timed, kKept> kept_ SLUICE_GUARDED_BY(mutex_);
  std::size_t added_ SLUICE_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluice

#include "storage/base/steadied_clock.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRenewal{60'000};
constexpr milliseconds kSlack{2000};
// Twice as much as a clock that is being disciplined drifts.
constexpr int kDriftPart = 1000;

}  // namespace

Time SteadiedClock::system_wall() {
  return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
}

// Not std::chrono::steady_clock, which stands still while a laptop sleeps.
milliseconds SteadiedClock::system_steady() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::floor<milliseconds>(std::chrono::seconds(now.tv_sec) +
                                          std::chrono::nanoseconds(now.tv_nsec));
}

SteadiedClock::SteadiedClock(Wall wall, Steady steady)
    : wall_(std::move(wall)),
      steady_(std::move(steady)),
      anchor_(wall_()),
      anchor_steady_(steady_()),
      last_(anchor_) {}

Time SteadiedClock::now() {
  const MutexLock lock(mutex_);
  const Time wall = wall_();
  const milliseconds steady = steady_();
  const milliseconds passed = steady - anchor_steady_;
  const Time expected = anchor_ + passed;
  const milliseconds off = wall - expected;
  const bool followed = std::chrono::abs(off) <= kSlack + passed / kDriftPart;
  jumped_ = followed ? milliseconds{0} : off;
  if (followed && passed >= kRenewal) {
    anchor_ = wall;
    anchor_steady_ = steady;
  }
  last_ = std::max(last_, followed ? wall : expected);
  return last_;
}

milliseconds SteadiedClock::jumped() const {
  const MutexLock lock(mutex_);
  return jumped_;
}

}  // namespace sluice

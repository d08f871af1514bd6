#pragma once

// The machine's wall clock, as far as its steady clock bears it out.

#include <chrono>
#include <functional>

#include "storage/base/mutex.h"
#include "storage/base/position.h"

namespace sluice {

// Follows the wall clock as it was first read, and on: small steps and drift at once, but within a
// minute never further from the steady clock than 2 s (and a thousandth of the time that passed). A
// clock that jumps further is not followed: time goes on by the steady clock, until the wall clock
// is back where it should be or the process starts again. Never goes back. Any thread.
class SteadiedClock {
 public:
  using Wall = std::function<Time()>;
  // Since any moment; goes on while the machine is suspended.
  using Steady = std::function<std::chrono::milliseconds()>;

  static Time system_wall();
  static std::chrono::milliseconds system_steady();

  explicit SteadiedClock(Wall wall = system_wall, Steady steady = system_steady);

  Time now();
  // How far the wall clock is ahead of now(), or behind it (negative), since it jumped; zero: it
  // has not. As of the last now().
  [[nodiscard]] std::chrono::milliseconds jumped() const;

 private:
  const Wall wall_;
  const Steady steady_;
  mutable Mutex mutex_;
  // What the wall clock said when the steady one said anchor_steady_.
  Time anchor_ SLUICE_GUARDED_BY(mutex_);
  std::chrono::milliseconds anchor_steady_ SLUICE_GUARDED_BY(mutex_);
  Time last_ SLUICE_GUARDED_BY(mutex_);
  std::chrono::milliseconds jumped_ SLUICE_GUARDED_BY(mutex_){0};
};

}  // namespace sluice

#pragma once

#include <atomic>
#include <string>

#include "storage/base/position.h"
#include "storage/base/steadied_clock.h"

namespace sluice::embedded {

// What an EmbeddedLog stamps records with: the wall clock as far as the steady one bears it out.
// Says in the process's log when that begins and ceases to matter. Any thread.
class LogClock {
 public:
  LogClock(SteadiedClock::Wall wall, SteadiedClock::Steady steady);

  // What a record would be stamped with.
  Time now();
  // For people: that the machine's clock has jumped, and what to do; empty: it has not.
  [[nodiscard]] std::string advice() const;

 private:
  SteadiedClock clock_;
  std::atomic<bool> jump_told_ = false;
};

}  // namespace sluice::embedded

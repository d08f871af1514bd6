#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <utility>

#include "storage/base/position.h"

namespace sluice {

// What stamps recorded_at: never earlier than its last stamp, though the machine's clock steps
// back. Any thread.
class StampClock {
 public:
  explicit StampClock(std::function<Time()> clock) : clock_(std::move(clock)) {}

  static Time system_now() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }

  Time now() {
    const auto read = clock_().time_since_epoch().count();
    auto last = last_.load();
    while (read > last && !last_.compare_exchange_weak(last, read)) {
    }
    return Time{std::chrono::milliseconds{std::max(read, last)}};
  }

 private:
  std::function<Time()> clock_;
  std::atomic<std::chrono::milliseconds::rep> last_{0};
};

}  // namespace sluice

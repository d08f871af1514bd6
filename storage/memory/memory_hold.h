#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace sluice {

// A transaction that holds locks, by the database's clock. The database ends it when it has said
// nothing for 2 s, as Postgres does by idle_in_transaction_session_timeout.
class MemoryHold {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  explicit MemoryHold(Clock clock) : clock_(std::move(clock)), spoke_(clock_()) {}

  [[nodiscard]] bool lasts() const { return clock_() < spoke_ + kIdleAtMost; }
  // A statement of it. False: it has been ended.
  [[nodiscard]] bool speak() {
    if (!lasts()) return false;
    spoke_ = clock_();
    return true;
  }

 private:
  static constexpr std::chrono::seconds kIdleAtMost{2};
  const Clock clock_;
  std::chrono::steady_clock::time_point spoke_;
};

// What one transaction at a time has, until it ends.
class MemoryLock {
 public:
  [[nodiscard]] bool held() const {
    const auto hold = hold_.lock();
    return hold && hold->lasts();
  }
  [[nodiscard]] bool held_by_other_than(const std::shared_ptr<MemoryHold>& hold) const {
    return held() && hold_.lock() != hold;
  }
  void take(const std::shared_ptr<MemoryHold>& hold) { hold_ = hold; }

 private:
  std::weak_ptr<const MemoryHold> hold_;
};

}  // namespace sluice

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "storage/pair_session.h"

namespace sluice {

// Here look() is in a snapshot, which stays open where it has the two at one position.
class ComparisonSession : public PairSession {
 public:
  // Refused as "no_owner" where a partition of the other generation has no process, and is not
  // about to get one. Nothing is locked meanwhile.
  [[nodiscard]] virtual std::optional<GenerationRefusal> await_owners() = 0;
};

// Two generations in one snapshot that has both at one position: the steps, one a call. Where
// nothing is folded they are equal and nobody has to wait. Else the live one's flushes wait, for
// moments, until the other, which folds on, has come to where it is. Whether it has is asked in the
// snapshot: the lock only makes it likely.
class EqualSnapshot {
 public:
  using Clock = std::chrono::steady_clock;
  using Result = std::variant<Positions, GenerationRefusal>;

  // `other` names the one that is not live, for people.
  EqualSnapshot(ComparisonSession& session, std::string other)
      : session_(session), other_(std::move(other)) {}

  // Takes the next step. Returns how it ended, and then nothing is locked and, with positions, the
  // snapshot is open; nullopt: to be called again after wait().
  [[nodiscard]] std::optional<Result> step(Clock::time_point now);
  [[nodiscard]] std::chrono::milliseconds wait() const { return wait_; }
  // Whether the live generation is locked.
  [[nodiscard]] bool holds() const { return tries_ > 0 && !to_lock_; }

 private:
  std::optional<Result> look(Clock::time_point now);
  std::optional<Result> give_up();

  ComparisonSession& session_;
  const std::string other_;
  bool to_lock_ = false;
  int tries_ = 0;  // with the lock
  std::optional<Clock::time_point> until_;
  PairStand stand_;
  std::chrono::milliseconds wait_{0};
};

}  // namespace sluice

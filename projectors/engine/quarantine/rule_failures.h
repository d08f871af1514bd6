#pragma once

// Calls of a domain's rules that threw. What a fold had done until then is not undone: it is
// dropped, with everything since the last write, and folded again without the call.

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "projectors/engine/time/timers.h"
#include "storage/base/position.h"

namespace sluice {

// Names a call: what was called for, and while which record was folded.
struct RuleCall {
  enum class Of { fact, waiting_fact, timer };
  Of of = Of::fact;
  Offset folds_at;          // of the record that was being folded
  Offset record{};          // of a fact: its own
  std::string timer_key{};  // of a timer, as the next two
  int timer_kind = 0;
  Time due{};

  static RuleCall of_timer(Offset folds_at, const Timer& timer) {
    return {Of::timer, folds_at, {}, std::string(timer.key), timer.kind, timer.due};
  }
  friend bool operator==(const RuleCall&, const RuleCall&) = default;
};

class RulesFailed : public std::runtime_error {
 public:
  RulesFailed(RuleCall call, const std::string& why)
      : std::runtime_error(why), call_(std::move(call)) {}
  [[nodiscard]] const RuleCall& call() const { return call_; }

 private:
  RuleCall call_;
};

// Those since the last write. One a partition, used by its worker's thread. The same record on the
// same state fails in the same calls, so a replay that knows none of them learns the same.
class RuleFailures {
 public:
  [[nodiscard]] bool none() const { return failures_.empty(); }

  // Why the call failed; null: it did not.
  [[nodiscard]] const std::string* find(const RuleCall& call) const;
  [[nodiscard]] const std::string* of_fact(Offset folds_at, Offset record) const {
    return none() ? nullptr : find({RuleCall::Of::fact, folds_at, record});
  }
  [[nodiscard]] const std::string* of_timer(Offset folds_at, const Timer& timer) const {
    return none() ? nullptr : find(RuleCall::of_timer(folds_at, timer));
  }

  // `position`: before the record that was being folded.
  void add(const RulesFailed& failed, Offset position);
  // Where the newest failure was come upon.
  [[nodiscard]] Offset newest_at() const { return newest_at_; }

  // Everything before `position` is folded and written.
  void written(Offset position) {
    std::erase_if(failures_, [&](const Failure& f) { return f.call.folds_at < position; });
  }
  void clear() { failures_.clear(); }

 private:
  struct Failure {
    RuleCall call;
    std::string why;
  };
  std::vector<Failure> failures_;
  Offset newest_at_;
};

}  // namespace sluice

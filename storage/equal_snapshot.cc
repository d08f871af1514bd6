#include "storage/equal_snapshot.h"

#include <utility>

namespace sluice {

std::optional<EqualSnapshot::Result> EqualSnapshot::step(Clock::time_point now) {
  wait_ = {};
  try {
    if (!std::exchange(to_lock_, false)) return look(now);
    session_.lock_live();
    return std::nullopt;
  } catch (const Retryable& failure) {
    if (!session_.not_in_time(failure)) throw;
    stand_.apart = "a flush did not end in time";
    return give_up();
  }
}

std::optional<EqualSnapshot::Result> EqualSnapshot::look(Clock::time_point now) {
  if (until_ && now >= *until_) return give_up();
  if (!until_) until_ = now + (tries_ == 0 ? kBetweenLooks : kHeldAtMost);
  stand_ = session_.look();
  if (!stand_.equal && !stand_.another_log) {
    wait_ = kBetweenLooks;
    return std::nullopt;
  }
  session_.release();
  if (!stand_.equal) return refuse_log(other_);
  return stand_.positions;
}

std::optional<EqualSnapshot::Result> EqualSnapshot::give_up() {
  session_.release();
  until_.reset();
  if (tries_ == kTries) return GenerationRefusal{"busy", not_at_one_position(stand_)};
  // The live one is not held up for what nobody folds.
  if (auto alone = session_.await_owners()) return std::move(*alone);
  if (tries_ > 0) wait_ = kBetweenTries;
  ++tries_;
  to_lock_ = true;
  return std::nullopt;
}

}  // namespace sluice

#include "projectors/engine/time/ticker.h"

#include "sluice/envelope.pb.h"

namespace sluice {

std::optional<Time> Ticker::due(const Quiet& quiet) const {
  const Time stamp = quiet.wall - kTickGrace;
  if (!quiet.next_due || *quiet.next_due > stamp) return std::nullopt;
  if (!quiet.caught_up) return std::nullopt;
  if (!last_at_) return stamp;
  const bool unread = quiet.position <= *last_at_;
  if (!unread && *quiet.next_due > last_due_) return stamp;
  // The clock may have stepped back.
  const auto since = quiet.wall - last_wall_;
  const bool lately = since.count() >= 0 && since < (unread ? kTickLost : kTickAgain);
  return lately ? std::nullopt : std::optional(stamp);
}

void Ticker::ticked(const Quiet& quiet, Offset at) {
  last_at_ = at;
  last_due_ = quiet.next_due.value_or(last_due_);
  last_wall_ = quiet.wall;
}

std::string tick_record(Time recorded_at) {
  Envelope envelope;
  envelope.set_recorded_at(recorded_at.time_since_epoch().count());
  envelope.mutable_control()->mutable_tick();
  return envelope.SerializeAsString();
}

}  // namespace sluice

#include "projectors/engine/time/timers.h"

#include <utility>

#include "storage/base/check.h"

namespace sluice {
namespace {

std::int64_t count(Time time) { return time.time_since_epoch().count(); }
Time time_of(std::int64_t count) { return Time{std::chrono::milliseconds(count)}; }

}  // namespace

void Timers::load() {
  soonest_.clear();
  fill();
}

void Timers::fill() {
  all_ = true;
  for (const TimerTurn& turn : turns_.prefix()) {
    if (soonest_.size() == soonest_max_) {
      all_ = false;
      return;
    }
    soonest_.emplace(time_of(turn.due()), turn.timer_key(), turn.kind());
  }
}

void Timers::set(const Timer& timer) {
  if (const TimerRow* row = rows_.find(timer.key, timer.kind)) remove(*row);
  rows_.edit(timer.key, timer.kind).set_due(count(timer.due));
  add_turn({timer.due, std::string(timer.key), timer.kind});
}

void Timers::cancel(std::string_view key, int kind) {
  const TimerRow* row = rows_.find(key, kind);
  if (row == nullptr) return;
  remove(*row);
  rows_.erase(key, kind);
}

void Timers::remove(const TimerRow& row) {
  turns_.erase(row.due(), row.timer_key(), row.kind());
  soonest_.erase({time_of(row.due()), row.timer_key(), row.kind()});
  if (soonest_.empty() && !all_) fill();
}

void Timers::add_turn(Turn turn) {
  const auto& [due, key, kind] = turn;
  static_cast<void>(turns_.make(count(due), key, kind));
  if (!all_ && turn > *soonest_.rbegin()) return;
  soonest_.insert(std::move(turn));
  if (soonest_.size() <= soonest_max_) return;
  soonest_.erase(std::prev(soonest_.end()));
  all_ = false;
}

std::optional<Timer> Timers::take_due(Time now) {
  if (soonest_.empty() || std::get<0>(*soonest_.begin()) > now) return std::nullopt;
  const Turn first = *soonest_.begin();
  cancel(std::get<1>(first), std::get<2>(first));
  taken_key_ = std::get<1>(first);
  return Timer{taken_key_, std::get<2>(first), std::get<0>(first), {}};
}

}  // namespace sluice

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

// Two partitions that had the same timer would each fire it.
void Timers::require_owner(const TimerRow& row, std::string_view record_key) {
  CHECK(row.record_key().empty() || row.record_key() == record_key,
        "a timer is set anew and cancelled under the key that it was set under");
}

void Timers::set(const Timer& timer) {
  if (const TimerRow* known = rows_.find(timer.key, timer.kind)) {
    require_owner(*known, timer.record_key);
    remove(*known);
  }
  TimerRow& row = rows_.edit(timer.key, timer.kind);
  row.set_due(count(timer.due));
  row.set_record_key(std::string(timer.record_key));
  row.set_set_at(timer.set_at.value);
  add_turn({timer.due, std::string(timer.key), timer.kind});
}

void Timers::cancel(std::string_view key, int kind, std::string_view record_key) {
  const TimerRow* row = rows_.find(key, kind);
  if (row == nullptr) return;
  require_owner(*row, record_key);
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
  const auto [due, key, kind] = *soonest_.begin();
  const TimerRow* row = rows_.find(key, kind);
  CHECK(row != nullptr, "a timer that has its turn is set");
  taken_key_ = key;
  // Those that were set before timers had record keys are all of the key that they are named by.
  taken_record_key_ = row->record_key().empty() ? key : row->record_key();
  const Offset set_at{row->set_at()};
  cancel(key, kind, row->record_key());
  return Timer{taken_key_, kind, due, {}, taken_record_key_, set_at};
}

}  // namespace sluice

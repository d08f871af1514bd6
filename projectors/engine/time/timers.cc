#include "projectors/engine/time/timers.h"

#include <utility>

#include "storage/base/check.h"
#include "storage/damaged_state.h"

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
  const bool is_owner = row.record_key().empty() || row.record_key() == record_key;
  if (!is_owner && row.kind() < 0) {
    throw DamagedState("the engine's timer \"" + row.timer_key() + "\" is of a record's key");
  }
  CHECK(is_owner, "a timer is set anew and cancelled under the key that it was set under");
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
  row.set_waits(false);
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
  if (row.waits()) {
    return waiting_.erase(row.record_key(), row.due(), row.timer_key(), row.kind());
  }
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

void Timers::wait(const Timer& taken) {
  TimerRow& row = rows_.edit(taken.key, taken.kind);
  row.set_due(count(taken.due));
  row.set_record_key(std::string(taken.record_key));
  row.set_set_at(taken.set_at.value);
  row.set_waits(true);
  static_cast<void>(waiting_.make(taken.record_key, count(taken.due), taken.key, taken.kind));
}

void Timers::resume(std::string_view record_key) {
  for (const WaitingTimer& waiting : waiting_.prefix(record_key)) {
    Turn turn{time_of(waiting.due()), waiting.timer_key(), waiting.kind()};
    rows_.edit(waiting.timer_key(), waiting.kind()).set_waits(false);
    waiting_.erase(record_key, waiting.due(), std::get<1>(turn), waiting.kind());
    add_turn(std::move(turn));
  }
}

void Timers::cancel_first_waiting(std::string_view record_key) {
  for (const WaitingTimer& first : waiting_.prefix(record_key)) {
    const std::string key = first.timer_key();
    return cancel(key, first.kind(), record_key);
  }
}

std::optional<Timer> Timers::take_due(Time now) {
  if (soonest_.empty() || std::get<0>(*soonest_.begin()) > now) return std::nullopt;
  const auto [due, key, kind] = *soonest_.begin();
  const TimerRow* row = rows_.find(key, kind);
  if (row == nullptr || row->waits() || row->due() != count(due)) {
    throw DamagedState("the timer \"" + key + "\" of kind " + std::to_string(kind) +
                       " has a turn and is not set");
  }
  taken_key_ = key;
  // Those that were set before timers had record keys are all of the key that they are named by.
  taken_record_key_ = row->record_key().empty() ? key : row->record_key();
  const Offset set_at{row->set_at()};
  cancel(key, kind, row->record_key());
  return Timer{taken_key_, kind, due, {}, taken_record_key_, set_at};
}

}  // namespace sluice

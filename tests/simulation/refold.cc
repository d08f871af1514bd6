#include "tests/simulation/refold.h"

#include <algorithm>

#include "storage/base/partitioner.h"

namespace sluice::simulation {
namespace {

constexpr std::int64_t kMinute = 60'000;

std::int64_t time_of(const LoggedRecord& record, const Envelope& envelope) {
  if (!envelope.has_recorded_at()) return record.appended_at;
  return envelope.recorded_at() > record.appended_at + kMinute ? record.appended_at
                                                               : envelope.recorded_at();
}

}  // namespace

bool Refold::readable(const LoggedRecord& record, Envelope& envelope) const {
  return envelope.ParseFromString(record.value) && envelope.key() == record.key &&
         !envelope.id().empty() && ledger_->key_of(envelope.payload()) == record.key;
}

std::optional<std::int64_t> Refold::next_due() const {
  std::optional<std::int64_t> first = ledger_->next_due();
  for (const auto& [offset, end] : ends_) first = std::min(first.value_or(end), end);
  return first;
}

void Refold::take(LoggedRecord record) {
  next_ = {record.offset, 0};
  if (!record.stamped_by_log) record.appended_at = record_time_;
  arrived_ = record.appended_at;
  Envelope envelope;
  const bool parsed = envelope.ParseFromString(record.value);
  if (parsed && envelope.has_control()) {
    if (record.stamped_by_log) return apply_control(record, envelope);
    if (!envelope.control().has_tick()) quarantine(record, envelope, parsed);
    return;
  }
  if (partition_of(record.key, partitions_).value != partition_) {
    return quarantine(record, envelope, parsed);
  }
  if (parsed && envelope.has_origin()) {
    const Origin& origin = envelope.origin();
    auto& came = came_[{origin.projection(), origin.partition()}];
    if (!came.emplace(origin.position(), origin.ordinal()).second) {
      move_time(record, envelope);
      return;
    }
  }
  const bool behind =
      held_.contains(record.key) || (parked_.contains(record.key) && !parked_[record.key].empty());
  if (behind || !record.stamped_by_log || !readable(record, envelope)) {
    return park(record, envelope, parsed);
  }
  const bool is_held_up = held_up(record, envelope);
  if (!is_held_up && fails(record, envelope)) {
    ++failed;
    return park(record, envelope, parsed);
  }
  move_time(record, envelope);
  if (is_held_up) return park(record, envelope, parsed);
  fold_event(record, envelope);
}

void Refold::park(const LoggedRecord& record, const Envelope& envelope, bool parsed) {
  quarantine(record, envelope, parsed);
  parked_[record.key][record.offset] = record;
}

bool Refold::fails(const LoggedRecord& record, const Envelope& envelope) const {
  const std::int64_t time = std::max(record_time_, time_of(record, envelope));
  if (!envelope.has_origin() && seen(record, envelope, time)) return false;
  return ledger_->fails({record.offset, time_of(record, envelope), envelope.payload(),
                         envelope.actor().role() == Actor::ROLE_SERVICE, next_.first + 1});
}

bool Refold::held_up(const LoggedRecord& record, const Envelope& envelope) const {
  const std::int64_t time = std::max(record_time_, time_of(record, envelope));
  return ledger_->holds_up(record.key, {time, next_.first + 1});
}

void Refold::apply_control(const LoggedRecord& record, const Envelope& envelope) {
  const Control& control = envelope.control();
  if (control.has_tick()) move_time(record, envelope);
  if (control.has_release()) release(record.key, control.release());
  if (!control.has_discard()) return;
  const std::int64_t offset = control.discard().offset();
  for (const auto& [key, position] : held_) {
    if (position != offset) continue;
    const std::string of = key;
    if (resume(of, true)) release(of, {});
    return;
  }
  unquarantine(offset);
  for (auto& [key, records] : parked_) {
    if (records.erase(offset) == 0) continue;
    release(key, {});
    break;
  }
}

void Refold::quarantine(const LoggedRecord& record, const Envelope& envelope, bool parsed) {
  quarantined[record.offset] = {record.key, record.value};
  // No fact of these domains is anybody's.
  if (parsed && ledger_->is_a_fact(envelope.payload())) return;
  ends_[record.offset] = std::max(record_time_, record.appended_at) + lengths_.retention;
}

void Refold::unquarantine(std::int64_t offset) {
  quarantined.erase(offset);
  ends_.erase(offset);
}

void Refold::release(const std::string& key, const Control::Release& given) {
  if (held_.contains(key) && !resume(key, false)) return;
  auto& waiting = parked_[key];
  while (!waiting.empty()) {
    LoggedRecord record = waiting.begin()->second;
    if (!quarantined.at(record.offset).value) {
      if (given.offset() != record.offset) return;
      record.value = given.value();
    }
    if (!record.stamped_by_log) record.appended_at = arrived_;
    Envelope envelope;
    if (!readable(record, envelope)) return;
    const bool is_held_up = held_up(record, envelope);
    if (!is_held_up && fails(record, envelope)) return;
    move_time(record, envelope);
    if (is_held_up) return;
    waiting.erase(waiting.begin());
    unquarantine(record.offset);
    fold_event(record, envelope);
  }
}

bool Refold::resume(const std::string& key, bool drops_first) {
  unquarantine(held_.at(key));
  held_.erase(key);
  ledger_->resume(key, drops_first);
  pass();
  return !held_.contains(key);
}

bool Refold::seen(const LoggedRecord& record, const Envelope& envelope,
                  std::int64_t record_time) const {
  const auto found = seen_.find({record.key, envelope.id()});
  return found != seen_.end() && found->second.first > record_time - lengths_.horizon;
}

bool Refold::repeats(const LoggedRecord& record, const Envelope& envelope) {
  const auto id = std::make_pair(record.key, envelope.id());
  if (seen(record, envelope, record_time_)) {
    if (seen_.at(id).second != envelope.payload()) rejections[record.offset] = "event.id_reused";
    return true;
  }
  seen_[id] = {record_time_, envelope.payload()};
  return false;
}

void Refold::fold_event(const LoggedRecord& record, const Envelope& envelope) {
  if (!envelope.has_origin() && repeats(record, envelope)) return;
  const bool by_service = envelope.actor().role() == Actor::ROLE_SERVICE;
  std::vector<Telling> tellings;
  const std::string reason = ledger_->apply(
      {record.offset, time_of(record, envelope), envelope.payload(), by_service, next_.first + 1},
      tellings);
  if (!reason.empty()) rejections[record.offset] = reason;
  tell(std::move(tellings));
}

void Refold::tell(std::vector<Telling> tellings) {
  for (Telling& telling : tellings) {
    derived.push_back({next_, record_time_, std::move(telling)});
    ++next_.second;
  }
}

void Refold::move_time(const LoggedRecord& record, const Envelope& envelope) {
  record_time_ = std::max(record_time_, time_of(record, envelope));
  for (auto end = ends_.begin(); end != ends_.end();) {
    if (end->second > record_time_) {
      ++end;
      continue;
    }
    quarantined.at(end->first).value.reset();
    end = ends_.erase(end);
  }
  pass();
}

void Refold::pass() {
  std::vector<Telling> tellings;
  for (const std::string& key : ledger_->pass({record_time_, next_.first + 1}, tellings)) {
    held_[key] = -++timers_failed;
    quarantined[held_[key]] = {key, ""};
  }
  tell(std::move(tellings));
}

}  // namespace sluice::simulation

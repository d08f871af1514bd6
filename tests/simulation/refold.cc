#include "tests/simulation/refold.h"

#include <algorithm>

#include "storage/base/partitioner.h"
#include "storage/base/record_digest.h"

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
  parked_[record.key][record.offset] = record;
  quarantine(record, envelope, parsed);
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
  if (control.has_tick()) return move_time(record, envelope);
  if (!envelope.id().empty() && repeats(record, envelope)) return;
  if (control.has_release() || control.has_discard() || control.has_edit()) decide(record, control);
}

void Refold::decide(const LoggedRecord& record, const Control& control) {
  const auto note = [&](const char* kind, std::optional<std::int64_t> offset) {
    decisions[record.offset] = {kind, offset, control.who(), control.why()};
  };
  if (control.has_release()) {
    if (!control.release().continues()) note("release", first(record.key));
    release(record.key, control.release());
  } else if (control.has_discard()) {
    note("discard", control.discard().offset());
    discard(record.key, control.discard());
  } else {
    note("edit", control.edit().offset());
    edit(record.key, control.edit());
  }
}

std::optional<std::int64_t> Refold::first(const std::string& key) const {
  if (const auto held = held_.find(key); held != held_.end()) return held->second;
  const auto waiting = parked_.find(key);
  if (waiting == parked_.end() || waiting->second.empty()) return std::nullopt;
  return waiting->second.begin()->first;
}

// `of`: the key that the decision names; "": any.
void Refold::discard(const std::string& of, const Control::Discard& given) {
  const std::int64_t offset = given.offset();
  Control::Release rest;
  rest.set_at_most(given.at_most());
  const auto held = std::ranges::find_if(held_, [&](const auto& h) { return h.second == offset; });
  const auto parked =
      std::ranges::find_if(parked_, [&](const auto& p) { return p.second.contains(offset); });
  const bool waits = held != held_.end() || parked != parked_.end();
  const std::string key = held != held_.end() ? held->first : waits ? parked->first : std::string();
  if (waits && !of.empty() && key != of) return;
  if (held != held_.end()) {
    if (resume(key, true)) release(key, rest);
    return;
  }
  unquarantine(offset);
  if (!waits) return;
  parked->second.erase(offset);
  release(key, rest);
}

void Refold::edit(const std::string& key, const Control::Edit& edit) {
  const auto waiting = parked_.find(key);
  if (waiting == parked_.end() || !waiting->second.contains(edit.offset())) return;
  waiting->second.at(edit.offset()).value = edit.value();
  ends_.erase(edit.offset());
  aged_out_.erase(edit.offset());
  Control::Release rest;
  rest.set_at_most(edit.at_most());
  release(key, rest);
  const auto edited = waiting->second.find(edit.offset());
  if (edited == waiting->second.end()) return;
  Envelope envelope;
  const bool parsed = envelope.ParseFromString(edit.value());
  quarantine(edited->second, envelope, parsed);
}

void Refold::quarantine(const LoggedRecord& record, const Envelope& envelope, bool parsed) {
  quarantined[record.offset] = {record.key, std::nullopt};
  if (is_shown(record)) quarantined[record.offset].value = record.value;
  // No fact of these domains is anybody's.
  if (parsed && ledger_->is_a_fact(envelope.payload())) return;
  ends_[record.offset] = std::max(record_time_, record.appended_at) + lengths_.retention;
}

// All but those behind many others of the key. The first always is.
bool Refold::is_shown(const LoggedRecord& record) const {
  const auto waiting = parked_.find(record.key);
  return waiting == parked_.end() || !waiting->second.contains(record.offset) ||
         static_cast<std::int64_t>(waiting->second.size()) <= lengths_.shown ||
         first(record.key) == record.offset;
}

void Refold::unquarantine(std::int64_t offset) {
  quarantined.erase(offset);
  ends_.erase(offset);
  aged_out_.erase(offset);
}

void Refold::release(const std::string& key, const Control::Release& given) {
  if (held_.contains(key) && !resume(key, false)) return;
  auto& waiting = parked_[key];
  for (std::int64_t folded = 0; !waiting.empty(); ++folded) {
    if (given.at_most() > 0 && folded == given.at_most()) return;
    LoggedRecord record = waiting.begin()->second;
    const bool aged_out = aged_out_.contains(record.offset);
    if (aged_out) {
      if (given.offset() != record.offset) return;
      record.value = given.value();
    }
    if (!record.stamped_by_log) record.appended_at = arrived_;
    Envelope envelope;
    const bool is_readable = readable(record, envelope);
    const bool is_held_up = is_readable && held_up(record, envelope);
    if (!is_readable || (!is_held_up && fails(record, envelope))) {
      if (!aged_out) quarantined.at(record.offset).value = record.value;
      return;
    }
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
    auto& [records, digest] = emissions[{telling.source, telling.domain + ".events"}];
    ++records;
    digest = digest_behind(digest, digest_of(telling.key, telling.payload));
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
    aged_out_.insert(end->first);
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

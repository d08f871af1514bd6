#include "tests/simulation/refold.h"

#include <algorithm>

#include "storage/partitioner.h"

namespace sluice::simulation {
namespace {

constexpr std::int64_t kMinute = 60'000;

bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-") ==
             std::string::npos;
}

std::string box_of(const tally::Event& event) {
  if (event.has_member_added()) return event.member_added().box_id();
  if (event.has_member_removed()) return event.member_removed().box_id();
  return event.box_emptied().box_id();
}

std::int64_t time_of(const LoggedRecord& record, const Envelope& envelope) {
  if (!envelope.has_recorded_at()) return record.appended_at;
  return envelope.recorded_at() > record.appended_at + kMinute ? record.appended_at
                                                               : envelope.recorded_at();
}

}  // namespace

bool Refold::readable(const LoggedRecord& record, Envelope& envelope, tally::Event& event) const {
  if (!envelope.ParseFromString(record.value)) return false;
  if (!event.ParseFromString(envelope.payload())) return false;
  if (event.fact_case() == tally::Event::FACT_NOT_SET || !is_id(box_of(event))) return false;
  if (event.has_member_added() && !is_id(event.member_added().member())) return false;
  if (event.has_member_removed() && !is_id(event.member_removed().member())) return false;
  return box_of(event) == record.key && envelope.key() == record.key && !envelope.id().empty();
}

void Refold::take(const LoggedRecord& record) {
  Envelope envelope;
  if (envelope.ParseFromString(record.value) && envelope.has_control()) {
    const Control& control = envelope.control();
    if (control.has_tick()) record_time_ = std::max(record_time_, time_of(record, envelope));
    if (control.has_release()) release(record.key);
    if (control.has_discard()) {
      const std::int64_t offset = control.discard().offset();
      quarantined.erase(offset);
      for (auto& [key, records] : parked_) {
        if (records.erase(offset) == 0) continue;
        release(key);
        break;
      }
    }
    return;
  }
  if (partition_of(record.key, partitions_).value != partition_) {
    quarantined[record.offset] = record.key;
    return;
  }
  tally::Event event;
  const bool behind = parked_.contains(record.key) && !parked_[record.key].empty();
  if (behind || !readable(record, envelope, event)) {
    quarantined[record.offset] = record.key;
    parked_[record.key][record.offset] = record;
    return;
  }
  settle(record, envelope);
}

void Refold::release(const std::string& key) {
  auto& waiting = parked_[key];
  while (!waiting.empty()) {
    const LoggedRecord record = waiting.begin()->second;
    Envelope envelope;
    tally::Event event;
    if (!readable(record, envelope, event)) return;
    waiting.erase(waiting.begin());
    quarantined.erase(record.offset);
    settle(record, envelope);
  }
}

void Refold::settle(const LoggedRecord& record, const Envelope& envelope) {
  record_time_ = std::max(record_time_, time_of(record, envelope));
  const auto id = std::make_pair(record.key, envelope.id());
  const auto found = seen_.find(id);
  if (found != seen_.end() && found->second.first > record_time_ - horizon_ms_) {
    if (found->second.second != envelope.payload()) rejections[record.offset] = "event.id_reused";
    return;
  }
  seen_[id] = {record_time_, envelope.payload()};
  tally::Event event;
  event.ParseFromString(envelope.payload());
  apply(record.offset, event);
}

void Refold::apply(std::int64_t offset, const tally::Event& event) {
  Box& box = boxes[box_of(event)];
  if (event.has_member_added()) {
    Member& member = box.members[event.member_added().member()];
    ++member.times;
    member.last_position = offset;
  } else if (event.has_member_removed()) {
    if (box.members.erase(event.member_removed().member()) == 0) {
      rejections[offset] = "member.unknown";
      if (box.changes == 0) boxes.erase(box_of(event));
      return;
    }
  } else {
    box.members.clear();
  }
  ++box.changes;
}

}  // namespace sluice::simulation

#include "projectors/engine/quarantine/quarantine.h"

#include <algorithm>
#include <utility>

#include "projectors/engine/quarantine/erasure.h"

namespace sluice {
namespace {

// What a row of quarantine takes beside its bytes, about.
constexpr std::size_t kRowBytes = 128;

}  // namespace

void Quarantine::add(std::string_view key, const LogRecord& record, Unfoldable why,
                     Time record_time) {
  if (why.parks_key) parts_.parking.park(key, record);
  std::string value(record.value);
  const PersonalData personal = personal_data_of(record.value, parts_.domain, *scratch_);
  if (personal == PersonalData::present && !why.parks_key) {
    // A person's erasure comes to the partition that is right for their key, never here; the log
    // has the record.
    value.clear();
  } else if (personal != PersonalData::none && !why.erasable) {
    age_later(record, record_time);
  }
  QuarantinedRecord told{record.offset,
                         std::string(key),
                         std::move(why.reason),
                         std::nullopt,
                         record.appended_at,
                         why.parks_key,
                         why.parks_key && is_beyond_limit(key, record.offset)};
  if (!told.beyond_limit) told.value = std::move(value);
  parts_.outcomes.bytes += kRowBytes + (told.value ? told.value->size() : 0);
  parts_.outcomes.quarantined.push_back(std::move(told));
}

bool Quarantine::is_beyond_limit(std::string_view key, Offset position) const {
  return parts_.parking.records(key) > parked_limit_ && parts_.parking.first(key) != position;
}

// A flush clears what has aged out last: that was the record as it was told before.
void Quarantine::forget_outcomes(Offset position) {
  std::erase_if(parts_.outcomes.quarantined,
                [&](const auto& earlier) { return earlier.position == position; });
  std::erase(parts_.outcomes.aged_out, position);
}

void Quarantine::add_again(std::string_view key, const LogRecord& record, Unfoldable why,
                           Time record_time) {
  forget_outcomes(record.offset);
  add(key, record, std::move(why), record_time);
}

void Quarantine::replace(std::string_view key, const LogRecord& edited) {
  parts_.timers.cancel(std::to_string(edited.offset.value), kAgesOut);
  parts_.parking.park(key, edited);
}

void Quarantine::add_timer(const Timer& taken, const std::string& why, Time record_time) {
  parts_.timers.wait(taken);
  const Offset position = parts_.parking.park_timer(taken.record_key);
  std::string reason = "timer \"" + std::string(taken.key) + "\" of kind " +
                       std::to_string(taken.kind) + ", set at offset " +
                       std::to_string(taken.set_at.value) + ": " + why;
  parts_.outcomes.bytes += kRowBytes + reason.size();
  // It has no bytes, and nothing of it ages out.
  parts_.outcomes.quarantined.push_back(
      {position, std::string(taken.record_key), std::move(reason), "", record_time, true});
}

void Quarantine::tell_anew(std::string_view key, const LogRecord& record, std::string reason) {
  forget_outcomes(record.offset);
  parts_.outcomes.bytes += kRowBytes + record.value.size();
  parts_.outcomes.quarantined.push_back({record.offset, std::string(key), std::move(reason),
                                         std::string(record.value), record.appended_at, true});
}

void Quarantine::remove(Offset position) {
  parts_.timers.cancel(std::to_string(position.value), kAgesOut);
  parts_.outcomes.unquarantined.push_back(position);
}

// On a partition that was quiet record time is behind the record's arrival.
void Quarantine::age_later(const LogRecord& record, Time record_time) {
  const Time since = std::max(record_time, record.appended_at);
  parts_.timers.set({std::to_string(record.offset.value), kAgesOut, since + parts_.retention, {}});
}

void Quarantine::age_out(Offset position) {
  parts_.outcomes.aged_out.push_back(position);
  const std::optional<std::string> key = parts_.parking.key_at(position);
  if (key) parts_.parking.age_out(*key, position);
}

}  // namespace sluice

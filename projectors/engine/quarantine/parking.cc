#include "projectors/engine/quarantine/parking.h"

#include "storage/damaged_state.h"

namespace sluice {
namespace {

// What waits, what is told of its key and the number of keys are written together.
[[noreturn]] void miscounted(std::string_view key) {
  throw DamagedState("what waits under the key \"" + std::string(key) +
                     "\" is not what is told of it");
}

}  // namespace

void Parking::load(const StateCheckpoint& checkpoint) {
  counts_ = checkpoint.parking();
  if (!checkpoint.has_parking()) count_stored();
}

// A state of an earlier release has the records only.
void Parking::count_stored() {
  std::string all;
  row_key::append_prefix(all, records_.rows().prefix());
  records_.rows().visit(all, [this](const google::protobuf::Message& row) {
    const auto& record = static_cast<const ParkedRecord&>(row);
    ParkedKey& key = edit_key(record.record_key());
    key.set_records(key.records() + 1);
    positions_.edit(record.position()).set_record_key(record.record_key());
  });
}

// Made, it is counted.
ParkedKey& Parking::edit_key(std::string_view key) {
  if (keys_.find(key) == nullptr) counts_.set_keys(counts_.keys() + 1);
  return keys_.edit(key);
}

void Parking::erase_if_empty(std::string_view key, const ParkedKey& row) {
  if (row.records() > 0 || row.timer() != 0) return;
  keys_.erase(key);
  counts_.set_keys(counts_.keys() - 1);
}

void Parking::park(std::string_view key, const LogRecord& record) {
  const bool again = records_.find(key, record.offset.value) != nullptr;
  ParkedRecord& row = records_.edit(key, record.offset.value);
  row.set_value(std::string(record.value));
  row.set_appended_at(record.appended_at.time_since_epoch().count());
  row.set_unstamped(!record.stamped_by_log);
  if (again) return;
  ParkedKey& of_key = edit_key(key);
  of_key.set_records(of_key.records() + 1);
  positions_.edit(record.offset.value).set_record_key(std::string(key));
}

std::int64_t Parking::records(std::string_view key) const {
  if (counts_.keys() == 0) return 0;
  const ParkedKey* row = keys_.find(key);
  return row == nullptr ? 0 : row->records();
}

const ParkedRecord* Parking::record(std::string_view key, Offset position) const {
  return counts_.keys() == 0 ? nullptr : records_.find(key, position.value);
}

std::optional<Offset> Parking::first(std::string_view key) const {
  if (const auto position = timer(key)) return position;
  if (records(key) == 0) return std::nullopt;
  for (const ParkedRecord& record : waiting(key)) return Offset{record.position()};
  miscounted(key);
}

std::optional<std::string> Parking::key_at(Offset position) const {
  if (counts_.keys() == 0) return std::nullopt;
  const ParkedPosition* found = positions_.find(position.value);
  return found == nullptr ? std::nullopt : std::optional(found->record_key());
}

void Parking::age_out(std::string_view key, Offset position) {
  records_.edit(key, position.value).clear_value();
}

void Parking::remove(std::string_view key, Offset position) {
  if (records_.find(key, position.value) == nullptr || keys_.find(key) == nullptr) miscounted(key);
  records_.erase(key, position.value);
  positions_.erase(position.value);
  ParkedKey& row = edit_key(key);
  row.set_records(row.records() - 1);
  erase_if_empty(key, row);
}

Offset Parking::park_timer(std::string_view key) {
  counts_.set_timers(counts_.timers() + 1);
  const Offset position{-counts_.timers()};
  ParkedKey& row = edit_key(key);
  // Those behind the first have no position.
  if (row.timer() != 0) miscounted(key);
  row.set_timer(position.value);
  positions_.edit(position.value).set_record_key(std::string(key));
  return position;
}

std::optional<Offset> Parking::timer(std::string_view key) const {
  if (counts_.keys() == 0) return std::nullopt;
  const ParkedKey* row = keys_.find(key);
  if (row == nullptr || row->timer() == 0) return std::nullopt;
  return Offset{row->timer()};
}

void Parking::remove_timer(std::string_view key) {
  ParkedKey& row = edit_key(key);
  positions_.erase(row.timer());
  row.set_timer(0);
  erase_if_empty(key, row);
}

LogRecord log_record(const ParkedRecord& parked, Partition partition) {
  return {partition,
          Offset{parked.position()},
          Time{std::chrono::milliseconds(parked.appended_at())},
          parked.record_key(),
          parked.value(),
          !parked.unstamped()};
}

}  // namespace sluice

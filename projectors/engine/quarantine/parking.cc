#include "projectors/engine/quarantine/parking.h"

namespace sluice {

void Parking::load() {
  keys_.clear();
  key_by_position_.clear();
  for (const ParkedRecord& record : records_.prefix()) {
    keys_.insert(record.record_key());
    key_by_position_.emplace(record.position(), record.record_key());
  }
}

void Parking::park(std::string_view key, const LogRecord& record) {
  ParkedRecord& row = records_.edit(key, record.offset.value);
  row.set_value(std::string(record.value));
  row.set_appended_at(record.appended_at.time_since_epoch().count());
  row.set_unstamped(!record.stamped_by_log);
  keys_.emplace(key);
  key_by_position_.emplace(record.offset.value, key);
}

std::vector<ParkedRecord> Parking::waiting(std::string_view key) const {
  std::vector<ParkedRecord> records;
  for (const ParkedRecord& record : records_.prefix(key)) records.push_back(record);
  return records;
}

const std::string* Parking::key_at(Offset position) const {
  const auto found = key_by_position_.find(position.value);
  return found == key_by_position_.end() ? nullptr : &found->second;
}

void Parking::age_out(std::string_view key, Offset position) {
  records_.edit(key, position.value).clear_value();
}

void Parking::remove(std::string_view key, Offset position) {
  records_.erase(key, position.value);
  key_by_position_.erase(position.value);
  if (auto range = records_.prefix(key); range.begin() == range.end())
    keys_.erase(std::string(key));
}

}  // namespace sluice

#pragma once

// Records that wait because an earlier one of their key could not be folded.

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "projectors/engine/tables.h"
#include "sluice/state.pb.h"
#include "storage/event_log.h"

namespace sluice {

// One a partition, used by its worker's thread.
class Parking {
 public:
  explicit Parking(Tables& tables) : records_(tables) {}

  // Learns which keys are parked; after the tables were loaded or dropped.
  void load();

  [[nodiscard]] bool parked(std::string_view key) const {
    return !keys_.empty() && keys_.contains(std::string(key));
  }

  void park(std::string_view key, const LogRecord& record);

  // The records that wait under the key, in order; those that have aged out have no value.
  [[nodiscard]] std::vector<ParkedRecord> waiting(std::string_view key) const;

  // The key of the record parked at this offset; null when none is.
  [[nodiscard]] const std::string* key_at(Offset position) const;

  // The record waits on without its bytes.
  void age_out(std::string_view key, Offset position);

  void remove(std::string_view key, Offset position);

 private:
  Table<ParkedRecord> records_;
  std::unordered_set<std::string> keys_;
  std::unordered_map<std::int64_t, std::string> key_by_position_;
};

}  // namespace sluice

#pragma once

// What waits under a key because something earlier of the key could not be folded: records, and
// before them a timer that could not be fired.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "projectors/engine/tables.h"
#include "sluice/state.pb.h"
#include "storage/event_log.h"

namespace sluice {

// One a partition, used by its worker's thread. All of it is rows, which memory holds no longer
// than others; where no key is parked, asking costs a comparison.
class Parking {
 public:
  explicit Parking(Tables& tables) : records_(tables), keys_(tables), positions_(tables) {}

  // After the tables were loaded or dropped, with the checkpoint that belongs to them.
  void load(const StateCheckpoint& checkpoint);
  void note(StateCheckpoint& checkpoint) const { *checkpoint.mutable_parking() = counts_; }

  [[nodiscard]] bool parked(std::string_view key) const {
    return counts_.keys() > 0 && keys_.find(key) != nullptr;
  }

  // Behind what waits under the key; one that waits already is given other bytes.
  void park(std::string_view key, const LogRecord& record);

  // The records that wait under the key, in order; those that have aged out have no value. They may
  // be removed while they are walked.
  [[nodiscard]] RowRange<ParkedRecord> waiting(std::string_view key) const {
    return records_.prefix(key);
  }

  // How many these are.
  [[nodiscard]] std::int64_t records(std::string_view key) const;
  // The one of them at this position; null: there is none. Valid until the next change.
  [[nodiscard]] const ParkedRecord* record(std::string_view key, Offset position) const;
  // The position of what waits first under the key, a timer or a record; nullopt: nothing does.
  [[nodiscard]] std::optional<Offset> first(std::string_view key) const;

  // The key of what is parked at this position; nullopt: nothing is.
  [[nodiscard]] std::optional<std::string> key_at(Offset position) const;

  // The record waits on without its bytes.
  void age_out(std::string_view key, Offset position);

  void remove(std::string_view key, Offset position);

  // A timer of the key waits from now on, the first to do so. Returns its position in quarantine,
  // which no record has, and no other timer ever had.
  Offset park_timer(std::string_view key);
  // That position; nullopt: no timer waits under the key.
  [[nodiscard]] std::optional<Offset> timer(std::string_view key) const;
  void remove_timer(std::string_view key);

 private:
  ParkedKey& edit_key(std::string_view key);
  void erase_if_empty(std::string_view key, const ParkedKey& row);
  void count_stored();

  Table<ParkedRecord> records_;
  Table<ParkedKey> keys_;
  Table<ParkedPosition> positions_;
  ParkingCheckpoint counts_;
};

// The record as the log had it. Borrows from `parked`.
[[nodiscard]] LogRecord log_record(const ParkedRecord& parked, Partition partition);

}  // namespace sluice

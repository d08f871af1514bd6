#pragma once

// A partition's quarantine: records that could not be folded, as people see them, and those that
// wait behind them.

#include <google/protobuf/message.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "projectors/engine/fold/outcomes.h"
#include "projectors/engine/quarantine/parking.h"
#include "projectors/engine/quarantine/unfoldable.h"
#include "projectors/engine/time/timers.h"
#include "storage/event_log.h"

namespace sluice {

// The kind of the engine's own timers for bytes in quarantine that are to age out; their key is the
// record's offset.
constexpr int kAgesOut = -1;

// So many records of a key are shown with their bytes; of those that come behind them state alone
// has the bytes, until one of them is the first that waits.
constexpr std::int64_t kParkedLimit = 10'000;

// One a partition, used by its worker's thread. Changes are edits of the partition's tables, and
// outcomes of the record at hand.
class Quarantine {
 public:
  // `event` is of the domain's Event. All references must outlive it.
  struct Parts {
    std::string_view domain;
    const google::protobuf::Message& event;
    std::chrono::milliseconds retention;
    Parking& parking;
    Timers& timers;
    Outcomes& outcomes;
  };
  explicit Quarantine(const Parts& parts) : parts_(parts), scratch_(parts.event.New()) {}

  // Of what is told from now on; at least 1. No fold depends on it.
  void set_parked_limit(std::int64_t records) { parked_limit_ = records; }

  // The record is there from now on; `key` is its own, or its envelope's.
  void add(std::string_view key, const LogRecord& record, Unfoldable why, Time record_time);
  // Takes the place of what was said of the record before.
  void add_again(std::string_view key, const LogRecord& record, Unfoldable why, Time record_time);

  // A timer whose rule failed waits from now on; those of its key that come due wait behind it.
  void add_timer(const Timer& taken, const std::string& why, Time record_time);
  // An event took the place of the record, under the same position. Whatever was to age out there
  // does not.
  void replace(std::string_view key, const LogRecord& edited);
  // Another reason than the one that was given, and the bytes: of a record that waits with its
  // bytes, was released as the first that waits and could not be folded.
  void tell_anew(std::string_view key, const LogRecord& record, std::string reason);

  // It is there no longer: it was folded, or dropped. If its key is parked, Parking is told apart.
  void remove(Offset position);

  // Its row stays, without the bytes.
  void age_out(Offset position);

 private:
  void age_later(const LogRecord& record, Time record_time);
  void forget_outcomes(Offset position);
  [[nodiscard]] bool is_beyond_limit(std::string_view key, Offset position) const;

  const Parts parts_;
  std::int64_t parked_limit_ = kParkedLimit;
  const std::unique_ptr<google::protobuf::Message> scratch_;
};

}  // namespace sluice

#pragma once

// What a fold is given with a fact: the record that it came in, and what may be asked for besides
// changing rows.

#include <google/protobuf/message.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "projectors/engine/derived/outbox.h"
#include "projectors/engine/tables/partition_tables.h"
#include "projectors/engine/time/timers.h"
#include "sluice/envelope.pb.h"
#include "storage/base/position.h"

namespace sluice {

// The record whose fact is folded. Borrowed: valid while it is folded.
struct Record {
  std::string_view id;
  std::string_view source;
  const Actor& actor;
  Time recorded_at;                 // of this record
  std::optional<Time> occurred_at;  // the producer's own
  Offset position;                  // the record's own offset
  Offset folded_to;  // the position behind it, or behind the release of what had waited
  Time record_time;  // the partition's: the greatest recorded_at so far
};

// What brings a fold about: a record's fact, or a timer.
struct Cause {
  // Of the record, or of the one that set the timer, directly or by others.
  std::string_view key;
  Offset position;
  std::optional<Time> fires = std::nullopt;  // of a timer: when it was due
};

// What a fold may ask for besides changing rows.
class Effects {
 public:
  Effects(const Tables& tables, Timers& timers, Outbox& outbox, const Cause& cause)
      : tables_(tables),
        timers_(timers),
        outbox_(outbox),
        cause_(cause),
        edits_before_(tables.edits()),
        before_(outbox.mark()) {}

  // The key under which this is folded: what the log is partitioned by. Valid while it is folded.
  [[nodiscard]] std::string_view key() const { return cause_.key; }

  // Whose rows these are: for tables that are per_partition.
  [[nodiscard]] Partition partition() const { return tables_.partition(); }

  // The fact is valid but not admissible: it changes nothing, and one row of `sluice.rejection`
  // says so. Must come before the fact's first edit, setting a timer included; what it emitted is
  // dropped. `reason` must be a literal, "conversation.closed". Not for a timer, which nobody has
  // posted.
  void reject(std::string_view reason);

  // Has the projection's fire() called with this key and kind when the partition's record time
  // reaches `due`, and takes the place of the timer that they have. What is due already fires with
  // the next record. The timer belongs to the key under which this is folded: nothing of another
  // key may set it anew or cancel it. A timer that fires may set only such as are due later than
  // itself. Kinds below 0 are the engine's own.
  void at(Time due, std::string_view key, int kind = 0);
  // Without such a timer nothing happens.
  void cancel(std::string_view key, int kind = 0);

  // Sends a fact on to the stream of the domain that `event` is an Event of, where it is folded
  // once, later, in this order among all that this partition emits, with the actor's role
  // `service`. It must meet the rules of that domain's protos.
  void emit(const google::protobuf::Message& event);

  [[nodiscard]] std::string_view rejection() const { return rejection_; }

 private:
  const Tables& tables_;
  Timers& timers_;
  Outbox& outbox_;
  const Cause cause_;
  std::uint64_t edits_before_;
  Outbox::Mark before_;
  std::string_view rejection_;
};

}  // namespace sluice

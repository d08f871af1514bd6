#pragma once

// What can be told of a record without the domain's rules: its envelope, its key, and whether it
// stands where it belongs.

#include <optional>
#include <string_view>

#include "projectors/engine/fold/envelope_view.h"
#include "projectors/engine/quarantine/unfoldable.h"
#include "storage/base/position.h"
#include "storage/event_log.h"

namespace sluice {

// A record whose envelope was opened. A value: several may be open at once, each with an opener of
// its own, from which it borrows.
struct OpenRecord {
  LogRecord record;
  std::string_view key;   // that of the record, or of its envelope where the record has none
  EnvelopeView envelope;  // empty when the bytes are not an Envelope
  Offset folds_at;        // the record's own offset, or that of the release which lets it be folded
  Time recorded_at;       // the log's own timestamp where the stamp is missing or absurd
};

// Of one partition. Used by any thread.
class RecordOpener {
 public:
  RecordOpener(std::string_view domain, Partition partition, int partitions)
      : domain_(domain), partition_(partition), partitions_(partitions) {}

  // `opener` must not be used again as long as the result is.
  [[nodiscard]] OpenRecord open(const LogRecord& record, Offset folds_at,
                                EnvelopeOpener& opener) const;

  // Why the record can be told nothing of: it has no key, belongs to another partition, or is no
  // Envelope. nullopt: none of that.
  [[nodiscard]] std::optional<Unfoldable> misplaced(const OpenRecord& open) const;

  // What is wrong with the envelope of an event that is not misplaced.
  [[nodiscard]] std::optional<Unfoldable> check_envelope(const OpenRecord& open) const;

 private:
  const std::string_view domain_;
  const Partition partition_;
  const int partitions_;
};

}  // namespace sluice

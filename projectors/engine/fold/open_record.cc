#include "projectors/engine/fold/open_record.h"

#include <string>

#include "schemas/descriptors/rules.h"
#include "storage/base/partitioner.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// A stamp this far ahead of the log's own clock is a mistake, which must not fire every timer and
// forget every event id: the log's time counts instead.
constexpr milliseconds kStampAhead = std::chrono::minutes(1);

Time recorded_at(const LogRecord& record, const EnvelopeView& envelope) {
  if (!envelope.recorded_at) return record.appended_at;
  const Time stamped{milliseconds(*envelope.recorded_at)};
  return stamped > record.appended_at + kStampAhead ? record.appended_at : stamped;
}

bool is_envelope(const OpenRecord& open) { return open.envelope.actor != nullptr; }

}  // namespace

OpenRecord RecordOpener::open(const LogRecord& record, Offset folds_at,
                              EnvelopeOpener& opener) const {
  OpenRecord open{record, record.key, opener.open(record.value).value_or(EnvelopeView()), folds_at,
                  Time()};
  if (open.key.empty()) open.key = open.envelope.key;
  open.recorded_at = recorded_at(record, open.envelope);
  return open;
}

std::optional<Unfoldable> RecordOpener::misplaced(const OpenRecord& open) const {
  if (open.key.empty()) {
    return Unfoldable{is_envelope(open) ? "key: is missing" : "not an Envelope", false};
  }
  const Partition right = partition_of(open.key, partitions_);
  if (right != partition_) {
    return Unfoldable{"misrouted: its key belongs to partition " + std::to_string(right.value),
                      false};
  }
  if (!is_envelope(open)) return Unfoldable{"not an Envelope"};
  return std::nullopt;
}

std::optional<Unfoldable> RecordOpener::check_envelope(const OpenRecord& open) const {
  const EnvelopeView& envelope = open.envelope;
  if (!envelope.key.empty() && envelope.key != open.key) {
    return Unfoldable{"key: differs from the record's key"};
  }
  if (!is_storable(envelope.recorded_at.value_or(0))) {
    return Unfoldable{"recorded_at: out of range"};
  }
  if (!is_storable(envelope.occurred_at.value_or(0))) {
    return Unfoldable{"occurred_at: out of range"};
  }
  if (!is_event_id(envelope.id)) {
    return Unfoldable{"id: must be 1 to 200 printable characters"};
  }
  if (!envelope.domain.empty() && envelope.domain != domain_) {
    return Unfoldable{"domain: is another's"};
  }
  return std::nullopt;
}

}  // namespace sluice

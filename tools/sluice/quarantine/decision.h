#pragma once

// A person's decision on what is in quarantine, as control records of the partition's own log: a
// replay repeats it at the same offsets.

#include <cstdint>
#include <optional>
#include <string>

#include "sluice/envelope.pb.h"
#include "storage/base/position.h"
#include "tools/sluice/node/log.h"

namespace sluice {

enum class Verdict { release, discard, edit };
// "release"; nullopt: no such word.
[[nodiscard]] std::string_view word_of(Verdict verdict);
[[nodiscard]] std::optional<Verdict> verdict_of(std::string_view word);

struct QuarantineDecision {
  Verdict verdict = Verdict::release;
  std::string id = {};  // appended again under the same one it has no effect
  std::string projection = {};
  Partition partition = {};
  std::string key = {};
  // Of the record to discard or to edit; of the first to release, where its bytes have aged out.
  std::optional<Offset> offset = std::nullopt;
  std::string event = {};  // of an edit: a CloudEvent in JSON
  std::string who = {};
  std::string why = {};
  // How many records wait under the key, as far as is known: many are folded by several control
  // records, so that views are flushed in between.
  std::int64_t waiting = 0;
};

// So many records that waited are folded by one control record.
inline constexpr std::int64_t kReleasedAtOnce = 1000;

// What says the decision in the log, without its identity and time. Misconfigured when the log has
// no such record to release, or it is of another key; when the event of an edit is not admissible.
[[nodiscard]] Envelope decision_record(Log& log, const QuarantineDecision& decision);

// Appends it and returns the token of the position at which all of it has taken effect. Throws as
// decision_record(). Any thread, with a writer of its own.
[[nodiscard]] std::string append_decision(Log& log, const QuarantineDecision& decision);

// A key is to be folded alone, and what state and view have of it corrected.
struct RepairDecision {
  std::string id;  // as above
  std::string projection;
  Partition partition;
  std::string key;
};
[[nodiscard]] std::string append_repair(Log& log, const RepairDecision& decision);

// The key of a record as the fold sees it.
[[nodiscard]] std::string key_of(const std::string& record_key, const std::string& value);

}  // namespace sluice

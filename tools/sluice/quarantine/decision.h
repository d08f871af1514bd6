#pragma once

// A person's decision on what is in quarantine, as a control record of the partition's own log: a
// replay repeats it at the same offset.

#include <optional>
#include <string>

#include "storage/base/position.h"
#include "tools/sluice/node/log.h"

namespace sluice {

enum class Verdict { release, discard };

struct QuarantineDecision {
  Verdict verdict;
  std::string id;  // appended again under the same one it has no effect
  std::string projection;
  Partition partition;
  std::string key;
  // Of the record to discard; of the first to release, where its bytes have aged out.
  std::optional<Offset> offset;
};

// Appends it and returns the token of the position at which it takes effect. Misconfigured when the
// log has no such record to release, or it is of another key. Any thread, with a writer of its own.
[[nodiscard]] std::string append_decision(Log& log, const QuarantineDecision& decision);

// The key of a record as the fold sees it.
[[nodiscard]] std::string key_of(const std::string& record_key, const std::string& value);

}  // namespace sluice

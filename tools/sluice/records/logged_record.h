#pragma once

// One record of the log, looked up by where it stands.

#include <string>

#include "tools/sluice/node/log.h"

namespace sluice {

struct RecordPlace {
  std::string stream;
  Partition partition;
  Offset offset;
};

struct LoggedRecord {
  std::string key;
  std::string value;
};

// Misconfigured when the log has no such record, or no longer; Retryable when it does not answer.
[[nodiscard]] LoggedRecord logged_record(Log& log, const RecordPlace& place);

}  // namespace sluice

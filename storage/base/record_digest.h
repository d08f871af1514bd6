#pragma once

#include "storage/base/position.h"
#include "storage/event_log.h"

namespace sluice {

// Identifies a record: see Digest.
[[nodiscard]] Digest digest_of(const LogRecord& record);

}  // namespace sluice

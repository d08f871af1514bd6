#pragma once

#include <string_view>

#include "storage/base/position.h"
#include "storage/event_log.h"

namespace sluice {

// Identifies a record: see Digest.
[[nodiscard]] Digest digest_of(const LogRecord& record);

// Of an event that is emitted under this key.
[[nodiscard]] Digest digest_of(std::string_view key, std::string_view event);
// Of a row of things: of those before, and one more.
[[nodiscard]] Digest digest_behind(Digest before, Digest next);

}  // namespace sluice

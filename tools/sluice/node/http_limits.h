#pragma once

#include <cstdint>

#include "ingest/http/message.h"

namespace sluice {

// How HTTP obeys --memory: `share` is its part of `memory`, the number of the whole process. A
// large body is taken in only while the process as a whole has room for it.
[[nodiscard]] http::Limits http_limits(std::uint64_t memory, std::uint64_t share);

// What the process holds of memory as the system counts it, in bytes; 0 where that is not told.
[[nodiscard]] std::uint64_t resident_bytes();

}  // namespace sluice

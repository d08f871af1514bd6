#pragma once

#include <cstdint>
#include <string>

namespace sluice {

// Milliseconds since 1970 as RFC 3339 has them, UTC: "2026-01-31T12:00:00.000Z".
[[nodiscard]] std::string rfc3339(std::int64_t milliseconds);

}  // namespace sluice

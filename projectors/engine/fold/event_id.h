#pragma once

#include <cstdint>
#include <string_view>

#include "projectors/engine/dedupe/dedupe.h"

namespace sluice {

// Identifies an event: its id counts once per key.
[[nodiscard]] EventId id_of(std::string_view key, std::string_view id);

// Tells an event from another that was posted under its id.
[[nodiscard]] std::uint64_t content_of(std::string_view payload);

}  // namespace sluice

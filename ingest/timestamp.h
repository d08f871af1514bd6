#pragma once

#include <optional>
#include <string_view>

#include "storage/base/position.h"

namespace sluice {

// An RFC 3339 date and time: any number of fraction digits (cut down to the millisecond), any
// offset, small t and z allowed. nullopt: not one, or not between the years 1 and 9999. The leap
// second :60 is the first instant of the next minute.
[[nodiscard]] std::optional<Time> parse_timestamp(std::string_view text);

}  // namespace sluice

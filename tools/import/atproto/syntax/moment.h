#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace sluice::atproto {

// Times of the network: revs and cursors count microseconds since 1970.
using Moment = std::chrono::sys_time<std::chrono::microseconds>;

// Lexicon's string format "datetime": what RFC 3339, ISO 8601 and WHATWG HTML have in common, with
// capital T and Z, a zone that is not -00:00, years 0000 to 9999 in UTC, no leap second. Digits
// behind the microsecond (20 at most) are cut off. nullopt: no such time.
[[nodiscard]] std::optional<Moment> parse_datetime(std::string_view text);

// The time in a TID (specification, "Timestamp Identifiers"): 13 digits in base32-sortable, whose
// value is microseconds since 1970, then 10 bits of clock. nullopt: no TID.
[[nodiscard]] std::optional<Moment> parse_tid(std::string_view text);

}  // namespace sluice::atproto

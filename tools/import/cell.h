#pragma once

// What single values mean as the producers of exports write them: Polis, spreadsheets, pandas.
// nullopt: nothing that is known, which must be refused, since a guess may be the opposite.

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::cell {

// A decimal whole number; "17.0" as well, which is what pandas makes of a column with gaps. Not
// "1.4E+12": it was rounded.
[[nodiscard]] std::optional<std::int64_t> whole_number(std::string_view text);

// true, TRUE, t, yes, y, 1, 1.0 and their opposites. The empty text, which says nothing, is false,
// as where the column is missing.
[[nodiscard]] std::optional<bool> flag(std::string_view text);

// A vote: agree is 1, pass 0, disagree -1, in numbers or in these words. `agree` is 1, or -1 where
// the producer's numbers are the opposite; words mean what they say.
[[nodiscard]] std::optional<int> choice(std::string_view text, int agree);

// A time in milliseconds since 1970, from milliseconds or from seconds: no Polis is older than
// 2012, so a small number cannot be milliseconds. nullopt: in neither between 1970 and 2200.
[[nodiscard]] std::optional<std::int64_t> milliseconds(std::int64_t count);

}  // namespace sluice::cell

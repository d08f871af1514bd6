#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

// Levenshtein's distance: the fewest insertions, deletions and replacements of a byte that make one
// text of the other.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The name that `wrong` was probably meant to be; empty when none is near enough.
[[nodiscard]] std::string nearest(std::string_view wrong, std::span<const std::string> names);

}  // namespace sluice

#pragma once

// SQL of several statements, taken apart, so that a refusal can name the one that it is about.

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Without comments between and around them; a semicolon in a string, a quoted name, a comment or a
// dollar-quoted body ends none. What Postgres would not read comes out as one piece.
[[nodiscard]] std::vector<std::string> statements_of(std::string_view sql);

// "function deliberation.next_opinions" of a statement that makes one; else how it begins.
[[nodiscard]] std::string made_by(std::string_view statement);

}  // namespace sluice

#pragma once

#include <cstddef>
#include <string>

namespace sluice {

// For messages: what somebody gave may be of any length, and a terminal, a log or an alarm repeats
// it. Of a longer text the beginning, its size and the end, about `most` bytes, no letter cut in
// two: they tell which it was, and what to do stands at the end of a message.
[[nodiscard]] std::string shortened(const std::string& text, std::size_t most);

// Of one word that somebody gave.
inline constexpr std::size_t kWordMost = 200;

}  // namespace sluice

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// A ce- header's value as its attribute's text: taken out of double quotes, then percent-decoded
// once. Raw UTF-8, and a % without two hex digits, stand for themselves, since not every SDK
// encodes. nullopt: the result is not UTF-8.
[[nodiscard]] std::optional<std::string> decode_header_value(std::string_view raw);

}  // namespace sluice

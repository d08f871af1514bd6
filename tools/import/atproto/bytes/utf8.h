#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::atproto {

struct TextScan {
  bool ascii = true;
  bool has_zero = false;  // U+0000
};

// One pass, eight bytes at a time.
[[nodiscard]] TextScan scan_text(std::string_view text);

// How many bytes from the first on are UTF-8 (RFC 3629: shortest forms, no surrogates, up to
// U+10FFFF); text.size() when all are.
[[nodiscard]] std::size_t valid_utf8(std::string_view text);

}  // namespace sluice::atproto

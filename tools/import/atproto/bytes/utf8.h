#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
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

// A code point that is no surrogate.
inline void append_utf8(std::string& out, std::uint32_t point) {
  const auto byte = [&out](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (point < 0x80) return byte(point);
  if (point < 0x800) {
    byte(0xc0 | point >> 6);
    return byte(0x80 | (point & 0x3f));
  }
  if (point < 0x10000) {
    byte(0xe0 | point >> 12);
  } else {
    byte(0xf0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3f));
  }
  byte(0x80 | (point >> 6 & 0x3f));
  byte(0x80 | (point & 0x3f));
}

}  // namespace sluice::atproto

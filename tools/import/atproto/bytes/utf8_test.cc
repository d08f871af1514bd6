#include "tools/import/atproto/bytes/utf8.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>

using namespace sluice::atproto;

namespace {

std::string encoded(std::uint32_t point) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | point >> 6), byte(0x80 | (point & 63))};
  if (point < 0x10000) {
    return {byte(0xe0 | point >> 12), byte(0x80 | (point >> 6 & 63)), byte(0x80 | (point & 63))};
  }
  return {byte(0xf0 | point >> 18), byte(0x80 | (point >> 12 & 63)), byte(0x80 | (point >> 6 & 63)),
          byte(0x80 | (point & 63))};
}

}  // namespace

TEST_CASE("every character is UTF-8, and no surrogate is") {
  for (std::uint32_t point = 0; point < 0x110000; ++point) {
    const std::string text = encoded(point);
    const bool is_surrogate = point >= 0xd800 && point < 0xe000;
    if (valid_utf8(text) != (is_surrogate ? 0 : text.size())) FAIL(point);
    if (text.size() > 1 && valid_utf8(std::string_view(text).substr(0, text.size() - 1)) != 0) {
      FAIL("cut short: " << point);
    }
  }
  CHECK(valid_utf8(encoded(0x110000)) == 0);
}

TEST_CASE("of all texts of two bytes only those that the standard lists are UTF-8") {
  std::size_t valid = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      valid += valid_utf8(std::string{static_cast<char>(a), static_cast<char>(b)}) == 2 ? 1 : 0;
    }
  }
  CHECK(valid == 128 * 128 + 1920);
}

TEST_CASE("longer forms of a character and stray bytes are not UTF-8") {
  for (const char* text : {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80", "\xff"}) {
    CHECK(valid_utf8(text) == 0);
  }
  CHECK(valid_utf8("ab\xe2\x82") == 2);
}

TEST_CASE("a scan finds what is not ASCII and what is zero, wherever it stands") {
  for (std::size_t size = 0; size < 40; ++size) {
    const std::string plain(size, '\x7f');
    CHECK(scan_text(plain).ascii);
    CHECK_FALSE(scan_text(plain).has_zero);
    for (std::size_t at = 0; at < size; ++at) {
      std::string text = plain;
      text[at] = '\x80';
      CHECK_FALSE(scan_text(text).ascii);
      CHECK_FALSE(scan_text(text).has_zero);
      text[at] = '\0';
      CHECK(scan_text(text).ascii);
      CHECK(scan_text(text).has_zero);
      text[at] = '\1';
      CHECK_FALSE(scan_text(text).has_zero);
    }
  }
}

#include "tools/import/text_file.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "storage/base/errors.h"

using namespace sluice;

namespace {

std::string utf16(std::u16string_view text, bool little) {
  std::string bytes = little ? "\xff\xfe" : "\xfe\xff";
  for (const char16_t unit : text) {
    const auto low = static_cast<char>(unit & 0xff);
    const auto high = static_cast<char>(unit >> 8);
    bytes += little ? low : high;
    bytes += little ? high : low;
  }
  return bytes;
}

}  // namespace

TEST_CASE("a byte order mark declares the encoding and is taken off") {
  const std::string text = "a,\xc3\xa4\n\xf0\x9f\x98\x80";
  CHECK(decode_text(text, "t") == text);
  CHECK(decode_text("\xef\xbb\xbf" + text, "t") == text);
  CHECK(decode_text(utf16(u"a,\u00e4\n\U0001f600", true), "t") == text);
  CHECK(decode_text(utf16(u"a,\u00e4\n\U0001f600", false), "t") == text);
  CHECK(decode_text("", "t").empty());
}

TEST_CASE("what is not what it declares is refused with file, line and byte") {
  CHECK_THROWS_WITH(decode_text("a\nb\xe4z\n", "t.csv"),
                    Catch::Contains("t.csv line 2, byte 2: not UTF-8"));
  CHECK_THROWS_WITH(decode_text("a\n\xc3", "t.csv"), Catch::Contains("line 2, byte 1"));
  CHECK_THROWS_WITH(decode_text("\xc3\xa4\xff", "t.csv"), Catch::Contains("line 1, byte 3"));
  CHECK_THROWS_WITH(decode_text(std::string("a\0b\0", 4), "t.csv"),
                    Catch::Contains("zero byte") && Catch::Contains("UTF-16"));
  CHECK_THROWS_WITH(decode_text(std::string("\xff\xfe\0\0a\0\0\0", 8), "t.csv"),
                    Catch::Contains("UTF-32"));
  CHECK_THROWS_WITH(decode_text(utf16(u"a\xd800", true), "t.csv"), Catch::Contains("UTF-16"));
  CHECK_THROWS_WITH(decode_text(utf16(u"a\xdc00"
                                      u"b",
                                      true),
                                "t.csv"),
                    Catch::Contains("UTF-16"));
  CHECK_THROWS_WITH(decode_text(utf16(u"a", true) + "b", "t.csv"), Catch::Contains("UTF-16"));
}

TEST_CASE("any bytes are read or refused") {
  rc::check("no crash, no text that is not UTF-8", [](const std::string& bytes, bool marked) {
    try {
      const std::string text = decode_text((marked ? "\xff\xfe" : "") + bytes, "t");
      RC_ASSERT(decode_text(text, "t") == text || text.starts_with("\xef\xbb\xbf"));
    } catch (const Misconfigured&) {
    }
  });
}

#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::http {

// One line of a header or trailer section, CRLF taken off. The views are into the line.
struct FieldLine {
  std::string_view name;
  std::string_view value;
};

// Strict (RFC 9112, 5): a token, a colon at once, a value without control characters other than
// HTAB, the white space around it taken off. A folded line has no name, so it is none.
// Bytes from 0x80 are allowed in values: some SDKs send raw UTF-8.
std::optional<FieldLine> parse_field_line(std::string_view line);

// One or more of RFC 9110's tchar.
bool is_token(std::string_view text);

// 0x00 to 0x1f without HTAB, and DEL.
bool is_control(char c);

bool is_digit(char c);
bool is_hex_digit(char c);

// Without regard to ASCII case.
bool same_name(std::string_view a, std::string_view b);

std::string_view trim_space(std::string_view text);

}  // namespace sluice::http

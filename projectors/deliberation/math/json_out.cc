#include "projectors/deliberation/math/json_out.h"

#include <array>
#include <charconv>
#include <cmath>

namespace sluice::math {
namespace {

template <class Number>
void append(std::string& out, Number value) {
  std::array<char, 32> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end);
}

bool is_plain(char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20; }

}  // namespace

JsonOut& JsonOut::key(std::string_view name) {
  comma();
  quoted(name);
  out_ += ':';
  needs_comma_ = false;
  return *this;
}

void JsonOut::open(char bracket) {
  comma();
  out_ += bracket;
  needs_comma_ = false;
}

void JsonOut::close(char bracket) {
  out_ += bracket;
  needs_comma_ = true;
}

void JsonOut::quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out_ += '"';
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && is_plain(text[end])) ++end;
    out_.append(text, begin, end - begin);
    if (end == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[end]);
    out_ += '\\';
    if (byte >= 0x20) {
      out_ += text[end];
    } else {
      out_ += "u00";
      out_ += kHex[byte >> 4];
      out_ += kHex[byte & 15];
    }
    begin = end + 1;
  }
  out_ += '"';
}

void JsonOut::text(std::string_view value) {
  comma();
  quoted(value);
}

void JsonOut::truth(bool value) {
  comma();
  out_ += value ? "true" : "false";
}

void JsonOut::null() {
  comma();
  out_ += "null";
}

void JsonOut::number(double value) {
  if (!std::isfinite(value)) return null();
  comma();
  append(out_, value + 0.0);  // -0 becomes 0
}

void JsonOut::whole(long long value) {
  comma();
  append(out_, value);
}

}  // namespace sluice::math

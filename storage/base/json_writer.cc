#include "storage/base/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

namespace sluice {
namespace {

template <class Number>
void append_digits(std::string& out, Number number) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

bool is_plain(char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20; }

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && is_plain(text[end])) ++end;
    out.append(text, begin, end - begin);
    if (end == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[end]);
    out += '\\';
    if (byte >= 0x20) {
      out += text[end];
    } else {
      out += "u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
    begin = end + 1;
  }
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string& JsonWriter::next() {
  std::string& into = out();
  if (!first_) into += ',';
  first_ = false;
  return into;
}

JsonWriter& JsonWriter::open(char bracket) {
  next() += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out() += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::name(std::string_view name) {
  std::string& into = next();
  append_json_string(into, name);
  into += ':';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view text) {
  append_json_string(next(), text);
  return *this;
}

JsonWriter& JsonWriter::whole(long long number) {
  append_digits(next(), number);
  return *this;
}

JsonWriter& JsonWriter::natural(unsigned long long number) {
  append_digits(next(), number);
  return *this;
}

JsonWriter& JsonWriter::real(double number) {
  if (!std::isfinite(number)) return null();
  append_digits(next(), number + 0.0);  // -0 becomes 0
  return *this;
}

JsonWriter& JsonWriter::flag(bool flag) {
  next() += flag ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  next() += "null";
  return *this;
}

JsonWriter& JsonWriter::json(std::string_view value) {
  next() += value;
  return *this;
}

}  // namespace sluice

#include "ingest/json_items.h"

#include <array>
#include <cstddef>

#include <simdjson.h>

namespace sluice {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view without_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

// Where the string that begins at `at` ends: behind its second quote, or at the text's end.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return text.size();
}

constexpr std::array<bool, 256> structural_characters() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("\"[]{},")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kStructural = structural_characters();

// Where an item ends: at the comma or bracket that is not inside it, or at the text's end.
std::size_t end_of_item(std::string_view text) {
  std::size_t depth = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (!kStructural[static_cast<unsigned char>(c)]) {
      ++at;
    } else if (c == '"') {
      at = end_of_string(text, at);
    } else if (c == '[' || c == '{') {
      ++depth;
      ++at;
    } else if (depth == 0) {
      return at;
    } else {
      if (c != ',') --depth;
      ++at;
    }
  }
  return at;
}

std::size_t end_of_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// Where the number that begins at `at` ends, by JSON's grammar; `at`: there is none.
std::size_t end_of_number(std::string_view text, std::size_t at) {
  const auto is = [&](std::size_t i, std::string_view any) {
    return i < text.size() && any.find(text[i]) != std::string_view::npos;
  };
  const std::size_t integer = at + (is(at, "-") ? 1 : 0);
  std::size_t end = end_of_digits(text, integer);
  if (end == integer || (text[integer] == '0' && end > integer + 1)) return at;
  if (is(end, ".")) {
    const std::size_t fraction = end + 1;
    end = end_of_digits(text, fraction);
    if (end == fraction) return at;
  }
  if (is(end, "eE")) {
    const std::size_t exponent = end + (is(end + 1, "+-") ? 2 : 1);
    end = end_of_digits(text, exponent);
    if (end == exponent) return at;
  }
  return end < text.size() && !is(end, " \t\r\n,]}") ? at : end;
}

// simdjson reads integers as far as 64 bits go, and other numbers as far as a double does.
bool is_read(simdjson::dom::parser& parser, const std::string& number) {
  return parser.parse(number).error() == simdjson::SUCCESS;
}

std::string readable_number(simdjson::dom::parser& parser, std::string_view number) {
  constexpr std::size_t kDigitsAlwaysRead = 18;
  std::string text(number);
  const bool integer = number.find_first_of(".eE") == std::string_view::npos;
  if ((integer && number.size() <= kDigitsAlwaysRead) || is_read(parser, text)) return text;
  if (integer) {
    text += "e0";
    if (is_read(parser, text)) return text;
  }
  return std::string(kBeyondDoubles);
}

}  // namespace

JsonItems::JsonItems(std::string_view text) : rest_(without_space(text)) {}

std::optional<std::string_view> JsonItems::end(bool malformed) {
  ended_ = true;
  malformed_ = malformed;
  return std::nullopt;
}

std::optional<std::string_view> JsonItems::next() {
  if (ended_) return std::nullopt;
  if (!begun_) {
    begun_ = true;
    if (!rest_.starts_with('[')) return end(true);
    rest_ = without_space(rest_.substr(1));
    if (rest_.starts_with(']')) return end(!without_space(rest_.substr(1)).empty());
  } else if (rest_.starts_with(',')) {
    rest_ = without_space(rest_.substr(1));
  } else {
    return end(!rest_.starts_with(']') || !without_space(rest_.substr(1)).empty());
  }
  const std::size_t size = end_of_item(rest_);
  const std::string_view item = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return item;
}

std::string with_readable_numbers(std::string_view json) {
  simdjson::dom::parser parser;
  std::string readable;
  std::size_t at = 0;
  while (at < json.size()) {
    const std::size_t begin = at;
    if (json[at] == '"') {
      at = end_of_string(json, at);
      readable.append(json.substr(begin, at - begin));
      continue;
    }
    at = end_of_number(json, begin);
    if (at == begin) {
      readable += json[at++];
    } else {
      readable += readable_number(parser, json.substr(begin, at - begin));
    }
  }
  return readable;
}

}  // namespace sluice

#include "ingest/json_items.h"

#include <array>
#include <cstddef>

namespace sluice {
namespace {

constexpr std::size_t kDigitsOf64Bits = 18;

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

std::string with_wide_integers(std::string_view json) {
  std::string wide;
  std::size_t at = 0;
  while (at < json.size()) {
    const std::size_t begin = at;
    if (json[at] == '"') {
      at = end_of_string(json, at);
      wide.append(json.substr(begin, at - begin));
      continue;
    }
    while (at < json.size() && is_digit(json[at])) ++at;
    const std::size_t digits = at - begin;
    const bool fraction_before = begin > 0 && json[begin - 1] == '.';
    const bool goes_on =
        at < json.size() && (json[at] == '.' || json[at] == 'e' || json[at] == 'E');
    wide.append(json.substr(begin, digits));
    if (digits > kDigitsOf64Bits && !fraction_before && !goes_on) wide += "e0";
    if (digits == 0) wide += json[at++];
  }
  return wide;
}

}  // namespace sluice

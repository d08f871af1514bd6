#include "tools/import/cell.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

namespace sluice::cell {
namespace {

std::string in_small_letters(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return small;
}

}  // namespace

std::optional<std::int64_t> whole_number(std::string_view text) {
  const auto point = text.find('.');
  if (point != std::string_view::npos) {
    const std::string_view fraction = text.substr(point + 1);
    if (fraction.empty() || fraction.find_first_not_of('0') != std::string_view::npos) {
      return std::nullopt;
    }
    text = text.substr(0, point);
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> flag(std::string_view text) {
  const std::string word = in_small_letters(text);
  for (const char* yes : {"true", "t", "yes", "y", "1", "1.0"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"", "false", "f", "no", "n", "0", "0.0"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

std::optional<int> choice(std::string_view text, int agree) {
  const std::string word = in_small_letters(text);
  if (word == "agree") return 1;
  if (word == "disagree") return -1;
  if (word == "pass") return 0;
  // "+1", not "+-1".
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto number = whole_number(text);
  if (!number || *number < -1 || *number > 1) return std::nullopt;
  return static_cast<int>(*number) * agree;
}

std::optional<std::int64_t> milliseconds(std::int64_t count) {
  constexpr std::int64_t kLeastMilliseconds = 100'000'000'000;
  constexpr std::int64_t kYear2200 = 7'258'118'400'000;
  if (count < 0) return std::nullopt;
  const std::int64_t time = count < kLeastMilliseconds ? count * 1000 : count;
  if (time >= kYear2200) return std::nullopt;
  return time;
}

}  // namespace sluice::cell

#include "tools/sluice/cli/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {
namespace {

constexpr char kHidden = '*';
constexpr std::string_view kFlag = "--api-key";
constexpr std::array<std::string_view, 3> kNames{"password", "secret", "key.pem"};

void hide(char* from, const char* to) { std::fill(from, from + (to - from), kHidden); }
void hide(char* word) { hide(word, word + std::strlen(word)); }

void hide_in_url(char* word) {
  const std::string_view text(word);
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos) return;
  const auto user = scheme + 3;
  // A password that was not encoded may hold any of "@/:": all up to the last "@" is hidden.
  const auto at = text.rfind('@');
  const auto colon = text.find(':', user);
  if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) return;
  hide(word + colon + 1, word + at);
}

// In lower case, %XX decoded.
std::string plain(std::string_view name) {
  std::string plain;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool encoded = name[i] == '%' && i + 2 < name.size() &&
                         std::isxdigit(static_cast<unsigned char>(name[i + 1])) != 0 &&
                         std::isxdigit(static_cast<unsigned char>(name[i + 2])) != 0;
    const char c =
        encoded ? static_cast<char>(std::stoi(std::string(name.substr(i + 1, 2)), nullptr, 16))
                : name[i];
    plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (encoded) i += 2;
  }
  return plain;
}

bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// What stands before the "=", without the blanks that libpq allows there.
std::string name_before(std::string_view text, std::size_t equals) {
  while (equals > 0 && is_blank(text[equals - 1])) --equals;
  const auto before = text.find_last_of(",&? \t\n", equals == 0 ? 0 : equals - 1);
  const auto begin = before == std::string_view::npos ? 0 : before + 1;
  return plain(text.substr(begin, equals - begin));
}

// In single quotes up to the next that no backslash takes its meaning; else up to a separator. What
// a key in PEM has of blanks belongs to it.
char* end_of_value(char* value, bool pem) {
  if (*value == '\'') {
    for (++value; *value != '\0' && *value != '\''; ++value) {
      if (*value == '\\' && value[1] != '\0') ++value;
    }
    return *value == '\0' ? value : value + 1;
  }
  const char* const separators = pem ? "," : ",& \t\n";
  while (*value != '\0' && std::strchr(separators, *value) == nullptr) ++value;
  return value;
}

void hide_in_properties(char* word) {
  for (char* equals = std::strchr(word, '='); equals != nullptr;) {
    const std::string name = name_before(word, static_cast<std::size_t>(equals - word));
    const auto named = std::ranges::find_if(
        kNames, [&](std::string_view secret) { return std::string_view(name).ends_with(secret); });
    char* value = equals + 1;
    if (named != kNames.end()) {
      while (is_blank(*value)) ++value;
      char* const end = end_of_value(value, *named == kNames.back());
      hide(value, end);
      value = end;
    }
    equals = std::strchr(value, '=');
  }
}

}  // namespace

void hide_secrets(std::span<char*> words) {
  bool follows = false;
  for (char* word : words) {
    const std::string_view text(word);
    if (std::exchange(follows, text == kFlag)) {
      hide(word);
      continue;
    }
    if (text.starts_with(kFlag) && text.substr(kFlag.size()).starts_with('=')) {
      hide(word + kFlag.size() + 1);
      continue;
    }
    hide_in_url(word);
    hide_in_properties(word);
  }
}

}  // namespace sluice

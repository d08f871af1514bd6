#include "tools/sluice/cli/secrets.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace sluice {
namespace {

constexpr char kHidden = '*';

void hide_in_url(char* word) {
  const std::string_view text(word);
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos) return;
  const auto user = scheme + 3;
  // A password that was not encoded may hold any of "@/:": all up to the last "@" is hidden.
  const auto at = text.rfind('@');
  const auto colon = text.find(':', user);
  if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) return;
  std::fill(word + colon + 1, word + at, kHidden);
}

void hide_in_properties(char* word) {
  constexpr std::string_view kName = "password=";
  for (char* found = std::strstr(word, kName.data()); found != nullptr;
       found = std::strstr(found, kName.data())) {
    found += kName.size();
    while (*found != '\0' && std::strchr(",& ", *found) == nullptr) *found++ = kHidden;
  }
}

}  // namespace

void hide_secrets(std::span<char*> words) {
  for (char* word : words) {
    hide_in_url(word);
    hide_in_properties(word);
  }
}

}  // namespace sluice

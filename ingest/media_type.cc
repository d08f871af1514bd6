#include "ingest/media_type.h"

#include <algorithm>

namespace sluice {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes what stands before the next semicolon that is not inside quotes.
std::string_view next_part(std::string_view& rest) {
  bool quoted = false;
  std::size_t i = 0;
  for (; i < rest.size() && (quoted || rest[i] != ';'); ++i) {
    if (rest[i] == '"') quoted = !quoted;
    if (quoted && rest[i] == '\\') ++i;
  }
  i = std::min(i, rest.size());
  const std::string_view part = rest.substr(0, i);
  rest.remove_prefix(std::min(i + 1, rest.size()));
  return trimmed(part);
}

}  // namespace

MediaType parse_media_type(std::string_view text) {
  MediaType type;
  std::string_view rest = text;
  type.name = lower(next_part(rest));
  if (type.name.empty()) return type;
  const std::size_t slash = type.name.find('/');
  type.is_valid = slash != 0 && slash != std::string::npos && slash + 1 < type.name.size() &&
                  type.name.find_first_of(" \t,", 0) == std::string::npos;
  while (!rest.empty()) {
    const std::string_view parameter = next_part(rest);
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos || lower(parameter.substr(0, equals)) != "charset") {
      continue;
    }
    std::string charset = lower(parameter.substr(equals + 1));
    if (charset.size() >= 2 && charset.front() == '"' && charset.back() == '"') {
      charset = charset.substr(1, charset.size() - 2);
    }
    type.is_utf8 = type.is_utf8 && charset == "utf-8";
  }
  return type;
}

bool names_json(const MediaType& type) {
  return type.is_valid && (type.name == "application/json" || type.name == "text/json" ||
                           type.name.ends_with("+json"));
}

}  // namespace sluice

#include "ingest/http/target.h"

#include <algorithm>
#include <cstddef>

#include "ingest/http/field_line.h"

namespace sluice::http {
namespace {

constexpr std::string_view kNamePunctuation = "-._~!$&'()*+,;=";

bool is_name_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kNamePunctuation.find(c) != std::string_view::npos;
}

// Names of RFC 3986, plus `more` of its punctuation, plus escapes.
bool is_encoded(std::string_view text, std::string_view more) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '%') {
      if (text.size() - at < 3 || !is_hex_digit(text[at + 1]) || !is_hex_digit(text[at + 2])) {
        return false;
      }
      at += 2;
    } else if (!is_name_character(c) && more.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

std::optional<Target> parse_path_and_query(std::string_view text) {
  const std::size_t mark = text.find('?');
  Target target{text.substr(0, mark), {}};
  if (mark != std::string_view::npos) target.query = text.substr(mark + 1);
  if (!is_encoded(target.path, ":@/") || !is_encoded(target.query, ":@/?")) return std::nullopt;
  return target;
}

std::string_view after_scheme(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (same_name(target.substr(0, scheme.size()), scheme)) return target.substr(scheme.size());
  }
  return {};
}

}  // namespace

bool is_host(std::string_view value) {
  std::string_view port;
  if (value.starts_with('[')) {
    const std::size_t end = value.find(']');
    if (end == std::string_view::npos) return false;
    const std::string_view address = value.substr(1, end - 1);
    if (address.empty() || !is_encoded(address, ":")) return false;
    port = value.substr(end + 1);
  } else {
    const std::size_t colon = value.find(':');
    if (!is_encoded(value.substr(0, colon), "")) return false;
    if (colon != std::string_view::npos) port = value.substr(colon);
    if (colon == 0) return false;
  }
  if (port.empty()) return true;
  return port.front() == ':' && std::all_of(port.begin() + 1, port.end(), is_digit);
}

std::optional<Target> parse_target(std::string_view target) {
  if (target == "*") return Target{target, {}};
  if (target.starts_with('/')) return parse_path_and_query(target);
  const std::string_view rest = after_scheme(target);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.empty() || !is_host(authority)) return std::nullopt;
  return parse_path_and_query(rest.substr(authority.size()));
}

}  // namespace sluice::http

#include "tools/import/atproto/syntax/syntax.h"

#include <algorithm>

namespace sluice::atproto {
namespace {

constexpr std::size_t kMaxDid = 2048;
constexpr std::size_t kMaxHandle = 253;
constexpr std::size_t kMaxNsid = 317;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxRecordKey = 512;
constexpr std::size_t kMaxUri = 8192;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }
bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// A part of a domain name.
bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabel && text.front() != '-' && text.back() != '-' &&
         std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

// Takes what stands before the first separator off the front, and the separator with it.
std::string_view take_part(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

}  // namespace

bool is_did(std::string_view text) {
  if (text.size() > kMaxDid || !text.starts_with("did:")) return false;
  text.remove_prefix(4);
  const std::string_view method = text.substr(0, text.find(':'));
  if (method.empty() || method.size() == text.size() || !std::ranges::all_of(method, is_lower)) {
    return false;
  }
  text.remove_prefix(method.size() + 1);
  return !text.empty() && text.back() != ':' && text.back() != '%' &&
         std::ranges::all_of(text,
                             [](char c) { return is_alphanumeric(c) || is_one_of(c, "._:%-"); });
}

bool is_handle(std::string_view text) {
  if (text.size() > kMaxHandle || text.ends_with('.')) return false;
  std::size_t labels = 0;
  std::string_view last;
  while (!text.empty()) {
    last = take_part(text, '.');
    if (!is_label(last)) return false;
    ++labels;
  }
  return labels >= 2 && is_letter(last.front());
}

bool is_nsid(std::string_view text) {
  const auto last_dot = text.rfind('.');
  if (text.size() > kMaxNsid || last_dot == std::string_view::npos) return false;
  const std::string_view name = text.substr(last_dot + 1);
  std::string_view authority = text.substr(0, last_dot);
  if (authority.ends_with('.') || !is_label(name) || !is_letter(name.front()) ||
      !std::ranges::all_of(name, is_alphanumeric) || authority.empty() ||
      !is_letter(authority.front())) {
    return false;
  }
  std::size_t labels = 0;
  for (; !authority.empty(); ++labels) {
    if (!is_label(take_part(authority, '.'))) return false;
  }
  return labels >= 2;
}

bool is_record_key(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRecordKey && text != "." && text != ".." &&
         std::ranges::all_of(text,
                             [](char c) { return is_alphanumeric(c) || is_one_of(c, "._:~-"); });
}

bool is_cid_text(std::string_view text) {
  return text.size() >= 8 && text.size() <= 256 && !text.starts_with("Qm") &&
         std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || is_one_of(c, "+="); });
}

std::optional<RecordPath> parse_record_path(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const RecordPath path{text.substr(0, slash), text.substr(slash + 1)};
  if (!is_nsid(path.collection) || !is_record_key(path.rkey)) return std::nullopt;
  return path;
}

std::optional<AtUri> parse_at_uri(std::string_view text) {
  constexpr std::string_view kScheme = "at://";
  if (text.size() > kMaxUri || !text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  AtUri uri;
  const bool has_path = text.find('/') != std::string_view::npos;
  uri.authority = take_part(text, '/');
  if (!is_did(uri.authority) && !is_handle(uri.authority)) return std::nullopt;
  if (!has_path) return uri;
  const bool has_rkey = text.find('/') != std::string_view::npos;
  uri.collection = take_part(text, '/');
  if (!is_nsid(uri.collection)) return std::nullopt;
  if (!has_rkey) return uri;
  uri.rkey = text;
  if (!is_record_key(uri.rkey)) return std::nullopt;
  return uri;
}

}  // namespace sluice::atproto

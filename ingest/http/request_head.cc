#include "ingest/http/request_head.h"

#include <algorithm>
#include <limits>

#include "ingest/http/target.h"

namespace sluice::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

std::uint64_t saturated_number(std::string_view digits) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t number = 0;
  for (const char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (number > (kMost - digit) / 10) return kMost;
    number = number * 10 + digit;
  }
  return number;
}

// "HTTP/" DIGIT "." DIGIT, case and all.
bool is_version(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

bool lists(std::string_view value, std::string_view option) {
  while (true) {
    const std::size_t comma = value.find(',');
    if (same_name(trim_space(value.substr(0, comma)), option)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
}

}  // namespace

FieldLine RequestHead::field(std::size_t index) const {
  const FieldSpan& field = fields_[index];
  return {view(field.name), view(field.value)};
}

std::optional<std::string_view> RequestHead::find(std::string_view name) const {
  for (const FieldSpan& field : fields_) {
    if (same_name(view(field.name), name)) return view(field.value);
  }
  return std::nullopt;
}

std::size_t RequestHead::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(),
                    [&](const FieldSpan& field) { return same_name(view(field.name), name); }));
}

RequestHead::Span RequestHead::span(std::string_view part) const {
  if (part.empty()) return {};
  return {static_cast<std::uint32_t>(part.data() - bytes_.data()),
          static_cast<std::uint32_t>(part.size())};
}

std::size_t RequestHead::memory() const {
  return bytes_.capacity() + fields_.capacity() * sizeof(FieldSpan);
}

void RequestHead::shrink(std::size_t kept) {
  if (memory() > kept) *this = RequestHead();
}

std::optional<Refusal> RequestHead::parse(std::string_view block) {
  bytes_.assign(block);
  fields_.clear();
  method_ = target_ = path_ = query_ = {};
  content_length_.reset();
  chunked_ = expect_continue_ = false;

  std::string_view rest = bytes_;
  if (!rest.ends_with("\r\n\r\n")) return Refusal{400, "The request head does not end."};
  rest.remove_suffix(kLineEnd.size());
  if (rest.starts_with(kLineEnd)) rest.remove_prefix(kLineEnd.size());

  const std::size_t end = rest.find(kLineEnd);
  if (end == std::string_view::npos) return Refusal{400, "There is no request line."};
  if (const auto refusal = parse_request_line(rest.substr(0, end))) return refusal;
  rest.remove_prefix(end + kLineEnd.size());

  while (!rest.empty()) {
    const std::size_t line_end = rest.find(kLineEnd);
    if (line_end == 0) return Refusal{400, "The head goes on after its end."};
    const auto field = parse_field_line(rest.substr(0, line_end));
    if (!field) return Refusal{400, "A header line is malformed."};
    fields_.push_back({span(field->name), span(field->value)});
    rest.remove_prefix(line_end + kLineEnd.size());
  }
  return interpret();
}

// The version first: an HTTP/2 preface is another version, not a malformed target.
std::optional<Refusal> RequestHead::parse_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return Refusal{400, "The request line is not a method, a target and a version."};
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return Refusal{400, "The method is malformed."};
  if (!is_version(version)) return Refusal{400, "This is not HTTP."};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return Refusal{505, "Only HTTP/1.1 and HTTP/1.0 are spoken here."};
  }
  minor_version_ = version.back() - '0';
  method_ = span(method);
  return parse_target(line.substr(first + 1, last - first - 1));
}

std::optional<Refusal> RequestHead::parse_target(std::string_view text) {
  const auto target = http::parse_target(text);
  const bool is_server = target && target->path == "*";
  if (!target || (is_server && method() != "OPTIONS")) {
    return Refusal{400, "The request target is malformed."};
  }
  target_ = span(text);
  path_ = span(target->path);
  query_ = span(target->query);
  return std::nullopt;
}

std::string_view RequestHead::path() const {
  if (path_.size > 0) return view(path_);
  return method() == "OPTIONS" && query_.size == 0 ? "*" : "/";
}

std::optional<Refusal> RequestHead::interpret() {
  const std::size_t hosts = count("Host");
  if (hosts > 1 || (hosts == 0 && minor_version_ == 1)) {
    return Refusal{400, "There is not exactly one Host."};
  }
  if (hosts == 1 && !is_host(*find("Host"))) return Refusal{400, "The Host is malformed."};
  if (const auto refusal = interpret_framing()) return refusal;
  for (const FieldSpan& field : fields_) {
    if (!same_name(view(field.name), "Expect")) continue;
    if (!same_name(view(field.value), "100-continue")) {
      return Refusal{417, "Only 100-continue can be expected."};
    }
    expect_continue_ = minor_version_ == 1;
  }
  interpret_connection();
  return std::nullopt;
}

// Where a proxy and we could disagree on where a request ends, there is no request: no repair.
std::optional<Refusal> RequestHead::interpret_framing() {
  const std::size_t lengths = count("Content-Length");
  const std::size_t codings = count("Transfer-Encoding");
  if (lengths > 0 && codings > 0) {
    return Refusal{400, "There are both a Content-Length and a Transfer-Encoding."};
  }
  if (lengths > 1) return Refusal{400, "There is more than one Content-Length."};
  if (codings > 1) return Refusal{400, "There is more than one Transfer-Encoding."};
  if (codings == 1) {
    if (minor_version_ == 0) return Refusal{400, "HTTP/1.0 has no Transfer-Encoding."};
    if (!same_name(find("Transfer-Encoding").value_or(""), "chunked")) {
      return Refusal{400, "The only Transfer-Encoding is chunked."};
    }
    chunked_ = true;
  }
  if (lengths == 1) {
    const std::string_view length = find("Content-Length").value_or("");
    if (length.empty() || !std::all_of(length.begin(), length.end(), is_digit)) {
      return Refusal{400, "The Content-Length is not a number."};
    }
    content_length_ = saturated_number(length);
  }
  return std::nullopt;
}

void RequestHead::interpret_connection() {
  bool asked_close = false;
  bool asked_keep = false;
  for (const FieldSpan& field : fields_) {
    if (!same_name(view(field.name), "Connection")) continue;
    asked_close = asked_close || lists(view(field.value), "close");
    asked_keep = asked_keep || lists(view(field.value), "keep-alive");
  }
  keep_alive_ = !asked_close && (minor_version_ == 1 || asked_keep);
}

}  // namespace sluice::http

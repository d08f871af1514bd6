#pragma once

#include <optional>
#include <string_view>

namespace sluice::http {

// A request target taken apart; views into it. Empty path: an absolute-form without one.
struct Target {
  std::string_view path;
  std::string_view query;  // without the question mark
};

// RFC 9112, 3.2: origin-form, absolute-form of http and https, and "*". Characters are those of
// RFC 3986 alone and every % has two hex digits. No fragment and no user information.
std::optional<Target> parse_target(std::string_view target);

// A Host value: empty, or a name or address with an optional port (RFC 9110, 7.2).
bool is_host(std::string_view value);

}  // namespace sluice::http

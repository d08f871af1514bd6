#pragma once

#include <string>
#include <string_view>

namespace sluice {

// A Content-Type as far as ingest cares: "Application/JSON; charset=UTF-8" is application/json.
struct MediaType {
  std::string name;      // lower case, without parameters; empty: none given
  bool is_utf8 = true;   // no charset, or utf-8
  bool is_valid = true;  // type/subtype
};

[[nodiscard]] MediaType parse_media_type(std::string_view text);

// application/json, text/json and everything that ends in +json.
[[nodiscard]] bool names_json(const MediaType& type);

}  // namespace sluice

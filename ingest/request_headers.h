#pragma once

#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

// Header fields of a request that decoding asks for.
struct RequestHeaders {
  std::string_view content_type;
  // ce- fields, names in lower case and without "ce-".
  std::vector<std::pair<std::string_view, std::string_view>> ce;
};

}  // namespace sluice

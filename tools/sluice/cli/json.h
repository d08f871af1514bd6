#pragma once

#include <string>
#include <string_view>

namespace sluice {

// `text` as a JSON string, in quotes. Bytes that are not UTF-8 pass as they are.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace sluice

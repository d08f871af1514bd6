#pragma once

#include <string>
#include <string_view>

namespace sluice {

// 32 hexadecimal digits, of chance.
[[nodiscard]] std::string random_id();

// The CloudEvent of one line of JSON with an id: as it is when it has one, else with `id`, so that
// a retry counts once. Misconfigured when the line is no JSON object.
[[nodiscard]] std::string with_id(std::string_view line, std::string_view id);

}  // namespace sluice

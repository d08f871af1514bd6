#pragma once

#include <string_view>

namespace sluice {

// Of this program, "0.1.0".
[[nodiscard]] std::string_view program_version();

}  // namespace sluice

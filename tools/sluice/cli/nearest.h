#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice {

// The name that `wrong` was probably meant to be; empty when none is near enough.
[[nodiscard]] std::string nearest(std::string_view wrong, std::span<const std::string> names);

}  // namespace sluice

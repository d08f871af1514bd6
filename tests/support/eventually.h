#pragma once

#include <chrono>
#include <functional>

namespace sluice::testing {

// Asks again and again until `condition` holds: true then, false when it still does not at the
// deadline.
[[nodiscard]] bool eventually(const std::function<bool()>& condition,
                              std::chrono::milliseconds deadline = std::chrono::seconds(20));

}  // namespace sluice::testing

#pragma once

#include <string>

namespace sluice::testing {

// The URL of an empty database on a private cluster: one cluster a program, one database a test.
[[nodiscard]] std::string fresh_database();

}  // namespace sluice::testing

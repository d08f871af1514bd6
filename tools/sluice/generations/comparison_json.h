#pragma once

#include <string>

#include "storage/postgres/swap/comparison.h"

namespace sluice {

// As `sluice compare` answers it, in one line.
[[nodiscard]] std::string json_of(const Comparison& comparison);

// {"0":812}, by partition.
[[nodiscard]] std::string json_of(const Positions& positions);

// What is not expected, for people: "3 rows of opinion (passes), 1 row of ballot"; "" where nothing
// is.
[[nodiscard]] std::string unexpected_of(const Comparison& comparison);

}  // namespace sluice

#pragma once

#include <string>
#include <vector>

namespace sluice::testing {

// Starts the program `victim` (victim.cc says what it can be told to do) and kills it, as kill -9
// does, at a moment that chance picks, up to some 150 ms after it first reported a number. Returns
// the last number that it reported. Throws when it ended by itself.
int last_reported_when_killed(const std::vector<std::string>& arguments);

}  // namespace sluice::testing

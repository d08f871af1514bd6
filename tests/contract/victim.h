#pragma once

#include <string>
#include <vector>

namespace sluice::testing {

// The victim that appends to a log gives each partition a thread, and reports of each append its
// last record's offset * kVictimPartitions + partition.
constexpr int kVictimPartitions = 3;

// Starts the program `victim` (victim.cc says what it can be told to do) and kills it, as kill -9
// does, at a moment that chance picks, up to some 150 ms after it first reported a number. Returns
// all numbers that it reported, in order. Throws when it ended by itself.
std::vector<int> reported_until_killed(const std::vector<std::string>& arguments);

}  // namespace sluice::testing

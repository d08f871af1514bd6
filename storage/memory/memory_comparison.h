#pragma once

// What two generations in memory differ in, by the rules by which those on Postgres are compared.

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "storage/memory/memory_views.h"

namespace sluice {

// Rows by the text of their key: "box/3". Those of sluice.rejection and its like:
// "partition/offset".
struct MemoryTableComparison {
  std::int64_t same = 0;
  std::set<std::string> added;    // only the other has them
  std::set<std::string> missing;  // only the live one has them
  std::set<std::string> changed;
  std::set<std::string> undecided;  // computed, differ, and are due in either
};

// By table, in the names of Postgres. Tables that neither has rows of are left out, but for those
// of what was refused and decided. Both are of one snapshot.
[[nodiscard]] std::map<std::string, MemoryTableComparison> compare(const MemoryViews& live,
                                                                   const MemoryViews& other);

}  // namespace sluice

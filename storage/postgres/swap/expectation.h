#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/swap/comparison_sql.h"

namespace sluice {

// Differences between two generations that are meant.
class Expectation {
 public:
  // As ComparisonOptions has them. Misconfigured where one names what none of the tables has.
  Expectation(const std::vector<std::string>& words, const std::vector<ComparedTable>& tables);

  // Notes in the table what is expected of it.
  void apply(ComparedTable& table) const;

 private:
  std::set<std::string, std::less<>> rows_;                            // of these tables
  std::map<std::string, std::set<std::string>, std::less<>> columns_;  // by table; "*": all
};

}  // namespace sluice

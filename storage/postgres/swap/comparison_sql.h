#pragma once

// The SQL by which a table of one generation is held against that of another, in one pass.

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct ComparedColumn {
  std::string name;
  std::string old_type;   // empty: the old table has none
  std::string new_type;   // the same
  bool compared = true;   // else it is only shown where a whole row is
  bool expected = false;  // differences in it are
};

struct ComparedTable {
  std::string name;      // as people know it
  std::string old_rows;  // what stands behind FROM; empty: there is no such table
  std::string new_rows;
  std::vector<std::string> keys;
  std::vector<ComparedColumn> columns;  // with those of the key
  bool rows_expected = false;           // that one side has more rows is
  // A query of the leading keys, as text, whose rows may still become equal; empty: there are none.
  std::string undecided;

  // Columns that both have, but for the key's.
  [[nodiscard]] std::vector<const ComparedColumn*> compared() const;
};

// One row: same, added, missing, changed, undecided, unexpected rows, and of each of compared() the
// changed rows that differ in it.
[[nodiscard]] std::string counts_sql(const ComparedTable& table);

// The first rows in the order of the key that only one side has or that differ, as JSON: key, old,
// new. Of a changed row what differs; of one that only one side has all, and null for the other.
[[nodiscard]] std::string samples_sql(const ComparedTable& table, int samples);

}  // namespace sluice

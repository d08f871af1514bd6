#pragma once

// What of two generations is held against each other, whatever keeps their rows.

#include <google/protobuf/descriptor.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct ComparedRow {
  bool computed = false;
  // Of a computed row: when it was computed and what of that was measured, which may differ.
  std::set<std::string, std::less<>> left_out;
};

[[nodiscard]] ComparedRow compared_row(const google::protobuf::Descriptor& row);
// Of a computed table that no descriptor tells of.
[[nodiscard]] ComparedRow computed_row();

// What was refused or decided of a projection, as a table of each generation, whose key is
// partition and position.
struct RefusedTable {
  enum class Kind { text, number, time, bytes, flag };
  struct Column {
    std::string_view name;
    Kind kind;
  };
  std::string_view name;        // "sluice.rejection"
  std::vector<Column> columns;  // beside the key
};
[[nodiscard]] const std::vector<RefusedTable>& refused_tables();

}  // namespace sluice

#pragma once

// Values of columns as the text that Postgres prints.

#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/column.h"

namespace sluice {

using Cell = std::optional<std::string_view>;  // nullopt: NULL

// A row as Postgres is to print it: its columns' text, one after the other.
class RowCells {
 public:
  explicit RowCells(const std::vector<Column>& columns) : columns_(columns) {}
  // Of this row, until the next call. Throws what append_line() throws.
  void read(const google::protobuf::Message& row);
  [[nodiscard]] const std::vector<Cell>& cells() const { return cells_; }

 private:
  const std::vector<Column>& columns_;
  std::string line_;
  std::string scratch_;
  std::vector<std::string> unescaped_;
  std::vector<Cell> cells_;
};

enum class SameCell { yes, no, ask };  // `ask`: only Postgres can tell, of JSON
[[nodiscard]] SameCell same_cell(const Column& column, const Cell& a, const Cell& b);

// As JSON, of a size that a person looks at.
[[nodiscard]] std::string cell_json(const Column& column, const Cell& cell);

}  // namespace sluice

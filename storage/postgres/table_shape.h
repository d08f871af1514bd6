#pragma once

// What the tables of a generation are made of: as this program has them, as the database has them,
// and as they were when the schema was last applied. The three tell a column that is new in this
// program from one that somebody dropped.

#include <google/protobuf/descriptor.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/connection.h"

namespace sluice {

struct TableShape {
  std::map<std::string, std::string> columns;  // name -> type; "text key" where it is of the key
  std::map<std::string, std::string> indexes;  // name -> columns; not read from the database
};

using Shape = std::map<std::string, TableShape>;  // by table

[[nodiscard]] Shape shape_of(const std::vector<const google::protobuf::Descriptor*>& published);

// Of the tables in this schema; empty where there is none. One statement.
[[nodiscard]] Shape found_shape(PgConnection& connection, const std::string& schema);

// As remember_shape() noted it; nullopt: the generation was applied by a program that did not.
[[nodiscard]] std::optional<Shape> applied_shape(PgConnection& connection,
                                                 std::string_view projection, int generation);
void remember_shape(PgConnection& connection, std::string_view projection, int generation,
                    const Shape& shape);

// What of `wanted` is not in `found`: "opinion" for a table, "opinion.body" for a column.
[[nodiscard]] std::vector<std::string> missing_from(const Shape& found, const Shape& wanted);

// Whether any of its columns is of a primary key.
[[nodiscard]] bool has_key(const TableShape& table);

}  // namespace sluice

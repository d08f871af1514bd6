#include "storage/postgres/table_shape.h"

#include <algorithm>

#include "schemas/descriptors/words.h"
#include "sluice/table.pb.h"
#include "storage/postgres/column.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

constexpr std::string_view kOfKey = " key";

constexpr const char* kColumns = "columns";
constexpr const char* kIndexes = "indexes";

}  // namespace

Shape shape_of(const std::vector<const google::protobuf::Descriptor*>& published) {
  Shape shape;
  for (const auto* row : published) {
    TableShape& made = shape[table_name(*row)];
    for (const Column& column : columns_of(*row)) {
      made.columns[column.field->name()] =
          std::string(sql_type(column)) + std::string(column.key ? kOfKey : "");
    }
    int number = 0;
    for (const std::string& index : row->options().GetExtension(table).index()) {
      made.indexes[index_name(*row, ++number)] = index;
    }
  }
  return shape;
}

Shape found_shape(PgConnection& connection, const std::string& schema) {
  const PgResult rows = connection.run(
      "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) || "
      "CASE WHEN a.attnum = ANY (i.indkey) THEN ' key' ELSE '' END "
      "FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p') "
      "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
      "LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary WHERE n.nspname = $1",
      {schema});
  Shape shape;
  for (int i = 0; i < rows.rows(); ++i) {
    shape[std::string(rows.text(i, 0))].columns.emplace(rows.text(i, 1), rows.text(i, 2));
  }
  return shape;
}

std::optional<Shape> applied_shape(PgConnection& connection, std::string_view projection,
                                   int generation) {
  const std::string number = std::to_string(generation);
  const PgResult known = connection.run(
      "SELECT FROM sluice.projection WHERE projection = $1 AND generation = $2 "
      "AND applied IS NOT NULL",
      {projection, number});
  if (known.rows() == 0) return std::nullopt;
  const PgResult rows = connection.run(
      "SELECT t.key, k.key, e.key, e.value FROM sluice.projection p, jsonb_each(p.applied) AS t, "
      "jsonb_each(t.value) AS k, jsonb_each_text(k.value) AS e "
      "WHERE p.projection = $1 AND p.generation = $2",
      {projection, number});
  Shape shape;
  for (int i = 0; i < rows.rows(); ++i) {
    TableShape& of = shape[std::string(rows.text(i, 0))];
    (rows.text(i, 1) == kColumns ? of.columns : of.indexes)
        .emplace(rows.text(i, 2), rows.text(i, 3));
  }
  return shape;
}

void remember_shape(PgConnection& connection, std::string_view projection, int generation,
                    const Shape& shape) {
  std::vector<std::string> tables;
  std::vector<std::string> kinds;
  std::vector<std::string> names;
  std::vector<std::string> values;
  const auto add = [&](const std::string& table, const char* kind, const auto& entries) {
    for (const auto& [name, value] : entries) {
      tables.push_back(table);
      kinds.emplace_back(kind);
      names.push_back(name);
      values.push_back(value);
    }
  };
  for (const auto& [name, of] : shape) {
    add(name, kColumns, of.columns);
    add(name, kIndexes, of.indexes);
  }
  connection.run(
      "UPDATE sluice.projection SET applied = (SELECT jsonb_object_agg(t, kinds) FROM ("
      "SELECT t, jsonb_object_agg(k, entries) AS kinds FROM ("
      "SELECT t, k, jsonb_object_agg(name, value) AS entries "
      "FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) AS shape(t, k, name, value) "
      "GROUP BY t, k) AS by_kind GROUP BY t) AS by_table) "
      "WHERE projection = $1 AND generation = $2",
      {std::string(projection), std::to_string(generation), array_text(tables), array_text(kinds),
       array_text(names), array_text(values)});
}

std::vector<std::string> missing_from(const Shape& found, const Shape& wanted) {
  std::vector<std::string> missing;
  for (const auto& [table, shape] : wanted) {
    const auto there = found.find(table);
    if (there == found.end()) {
      missing.push_back(table);
      continue;
    }
    for (const auto& [column, type] : shape.columns) {
      if (!there->second.columns.contains(column)) missing.push_back(table + "." + column);
    }
  }
  return missing;
}

bool has_key(const TableShape& table) {
  return std::ranges::any_of(table.columns,
                             [](const auto& column) { return column.second.ends_with(kOfKey); });
}

}  // namespace sluice

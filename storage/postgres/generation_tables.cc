#include "storage/postgres/generation_tables.h"

#include <algorithm>

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/postgres/schema.h"

namespace sluice {
namespace {

const std::string kColumns =
    "SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''), "
    "coalesce(array_to_string(c.reloptions, ', '), ''), a.attname, "
    "format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attcollation <> t.typcollation "
    "THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END, "
    "coalesce(array_position(i.indkey::smallint[], a.attnum) + 1, 0), "
    "coalesce(col_description(c.oid, a.attnum), '') "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "JOIN pg_type t ON t.oid = a.atttypid "
    "LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary ";

std::vector<CatalogueTable> tables_of(const PgResult& rows) {
  std::vector<CatalogueTable> tables;
  for (int i = 0; i < rows.rows(); ++i) {
    if (tables.empty() || tables.back().name != rows.text(i, 0)) {
      tables.push_back({std::string(rows.text(i, 0)),
                        std::string(rows.text(i, 1)),
                        std::string(rows.text(i, 2)),
                        {}});
    }
    tables.back().columns.push_back({std::string(rows.text(i, 3)), std::string(rows.text(i, 4)),
                                     static_cast<int>(rows.number(i, 5)),
                                     std::string(rows.text(i, 6))});
  }
  return tables;
}

}  // namespace

const TableColumn* CatalogueTable::find(std::string_view column) const {
  const auto found = std::ranges::find(columns, column, &TableColumn::name);
  return found == columns.end() ? nullptr : &*found;
}

std::vector<std::string> CatalogueTable::keys() const {
  std::vector<TableColumn> of_key;
  std::ranges::copy_if(columns, std::back_inserter(of_key),
                       [](const TableColumn& column) { return column.key > 0; });
  std::ranges::sort(of_key, {}, &TableColumn::key);
  std::vector<std::string> names;
  names.reserve(of_key.size());
  for (const TableColumn& column : of_key) names.push_back(column.name);
  return names;
}

const CatalogueTable* find_table(const std::vector<CatalogueTable>& tables, std::string_view name) {
  const auto found = std::ranges::find(tables, name, &CatalogueTable::name);
  return found == tables.end() ? nullptr : &*found;
}

std::vector<CatalogueTable> generation_tables(PgConnection& connection, std::string_view domain,
                                              int generation) {
  return tables_of(connection.run(
      kColumns +
          "JOIN sluice.projection g ON g.projection = $1 AND g.generation = $2 "
          "WHERE n.nspname = $3 AND c.relkind = 'r' AND c.relname <> $4 AND (g.applied IS NULL "
          "OR g.applied -> c.relname -> 'columns' ? a.attname) ORDER BY c.relname, a.attnum",
      {domain, std::to_string(generation), generation_schema(domain, generation),
       table_name(emission_row())}));
}

bool tells_emissions(PgConnection& connection, std::string_view domain, int generation) {
  return connection
             .run(
                 "SELECT FROM sluice.projection WHERE projection = $1 AND generation = $2 "
                 "AND applied ? $3",
                 {domain, std::to_string(generation), table_name(emission_row())})
             .rows() > 0;
}

std::vector<CatalogueTable> domain_views(PgConnection& connection, std::string_view domain) {
  return tables_of(connection.run(
      kColumns + "WHERE n.nspname = $1 AND c.relkind = 'v' ORDER BY c.relname, a.attnum",
      {domain}));
}

std::string sql_literal(std::string_view text) {
  std::string literal = "'";
  for (const char c : text) {
    if (c == '\'') literal += '\'';
    literal += c;
  }
  return literal + "'";
}

}  // namespace sluice

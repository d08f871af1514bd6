#include "storage/postgres/schema.h"

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "sluice/table.pb.h"
#include "storage/postgres/column.h"
#include "storage/postgres/comments.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

using google::protobuf::Descriptor;

std::string_view zero_of(const Column& column) {
  switch (column.kind) {
    case Column::Kind::text:
    case Column::Kind::bytes:
      return "''";
    case Column::Kind::number:
    case Column::Kind::real:
      return "0";
    case Column::Kind::flag:
      return "false";
    case Column::Kind::timestamp:
      return "'epoch'";
    case Column::Kind::json_text:
      return "'{}'";
    case Column::Kind::json:
      return column.field->is_repeated() && !column.field->is_map() ? "'[]'" : "'{}'";
    case Column::Kind::word:
      return "''";
  }
  return "''";
}

std::string column_sql(const Column& column) {
  std::string sql = quoted(column.field->name()) + " " + std::string(sql_type(column));
  // Order and joins are by bytes, as in the fold.
  if (sql_type(column) == "text") sql += " COLLATE \"C\"";
  if (column.nullable && !column.key) return sql;
  sql += " NOT NULL";
  if (column.key) return sql;
  if (column.kind == Column::Kind::word) return sql + " DEFAULT '" + column.words.front() + "'";
  return sql + " DEFAULT " + std::string(zero_of(column));
}

// A computed table is rewritten over and over: with room for each row twice, no index is.
std::string_view fillfactor(const Descriptor& row) { return is_computed(row) ? "45" : "80"; }

std::string table_sql(const Descriptor& row, const std::string& schema) {
  const std::string name = table_name(row);
  const std::string full = quoted(schema) + "." + quoted(name);
  std::string columns;
  std::string additions;
  for (const Column& column : columns_of(row)) {
    columns += "  " + column_sql(column) + ",\n";
    if (column.key) continue;
    additions += "ALTER TABLE " + full + " ADD COLUMN IF NOT EXISTS " + column_sql(column) + ";\n";
  }
  std::string sql = "CREATE TABLE IF NOT EXISTS " + full + " (\n" + columns + "  PRIMARY KEY (" +
                    key_columns(row) + ")\n) WITH (fillfactor = " + std::string(fillfactor(row)) +
                    ");\n" + additions;
  int number = 0;
  for (const std::string& index : row.options().GetExtension(table).index()) {
    sql += "CREATE INDEX IF NOT EXISTS " + quoted(index_name(row, ++number)) + " ON " + full +
           " (" + index + ");\n";
  }
  return sql;
}

std::string views_sql(const PublishedSchema& schema, int generation) {
  std::string sql = "CREATE SCHEMA IF NOT EXISTS " + quoted(schema.domain) + ";\n";
  for (const Descriptor* row : published_rows(*schema.tables)) {
    std::string columns;
    for (const Column& column : columns_of(*row)) {
      columns += (columns.empty() ? "" : ", ") + quoted(column.field->name());
    }
    sql += "CREATE OR REPLACE VIEW " + quoted(schema.domain) + "." + quoted(table_name(*row)) +
           " AS SELECT " + columns + " FROM " +
           quoted(generation_schema(schema.domain, generation)) + "." + quoted(table_name(*row)) +
           ";\n";
    sql += comments_sql(*row, schema.tables_source, CommentsOn::view,
                        quoted(schema.domain) + "." + quoted(table_name(*row)));
  }
  return sql + std::string(schema.reads_sql);
}

std::string tables_sql(const PublishedSchema& schema, int generation) {
  const std::string name = generation_schema(schema.domain, generation);
  std::string sql = "CREATE SCHEMA IF NOT EXISTS " + quoted(name) + ";\n";
  for (const Descriptor* row : published_rows(*schema.tables)) {
    sql += table_sql(*row, name);
    sql += comments_sql(*row, schema.tables_source, CommentsOn::table,
                        quoted(name) + "." + quoted(table_name(*row)));
  }
  return sql;
}

// Of what is there and of what the owner puts there later. Roles may be missing where the user
// could not make them.
std::string grants_sql(const PublishedSchema& schema, int generation) {
  const std::string tables = generation_schema(schema.domain, generation);
  const auto grant = [](std::string_view role, std::string_view rights, std::string_view where) {
    return "  IF EXISTS (SELECT FROM pg_roles WHERE rolname = '" + std::string(role) +
           "') THEN\n    GRANT USAGE ON SCHEMA " + quoted(where) + " TO " + std::string(role) +
           ";\n    GRANT " + std::string(rights) + " ON ALL TABLES IN SCHEMA " + quoted(where) +
           " TO " + std::string(role) + ";\n    ALTER DEFAULT PRIVILEGES IN SCHEMA " +
           quoted(where) + " GRANT " + std::string(rights) + " ON TABLES TO " + std::string(role) +
           ";\n  END IF;\n";
  };
  return "DO $grants$ BEGIN\n" + grant("sluice_reader", "SELECT", schema.domain) +
         grant("sluice_reader", "SELECT", tables) +
         grant("sluice_writer", "SELECT, INSERT, UPDATE, DELETE", tables) + "END $grants$;\n";
}

}  // namespace

std::string generation_schema(std::string_view projection, int generation) {
  return std::string(projection) + "_g" + std::to_string(generation);
}

std::string index_name(const Descriptor& row, int number) {
  return table_name(row) + "_order" + std::to_string(number);
}

std::string key_columns(const Descriptor& row) {
  std::vector<std::string> keys;
  for (const Column& column : columns_of(row)) {
    if (column.key) keys.push_back(quoted(column.field->name()));
  }
  return joined(keys);
}

std::string schema_sql(const PublishedSchema& schema, int generation) {
  return tables_sql(schema, generation) + views_sql(schema, generation) +
         grants_sql(schema, generation);
}

}  // namespace sluice

#include "storage/postgres/schema.h"

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "sluice/table.pb.h"
#include "storage/postgres/column.h"
#include "storage/postgres/comments.h"
#include "storage/postgres/reader_views.h"
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

std::string full_name(const Descriptor& row, const std::string& schema) {
  return quoted(schema) + "." + quoted(table_name(row));
}

std::string indexes_sql(const Descriptor& row, const std::string& schema) {
  std::string sql;
  int number = 0;
  for (const std::string& index : row.options().GetExtension(table).index()) {
    sql += "CREATE INDEX IF NOT EXISTS " + quoted(index_name(row, ++number)) + " ON " +
           full_name(row, schema) + " (" + index + ");\n";
  }
  return sql;
}

// `constraints` stand behind the columns.
std::string table_sql(const Descriptor& row, const std::string& schema,
                      const std::string& constraints) {
  const std::string full = full_name(row, schema);
  std::string columns;
  std::string additions;
  for (const Column& column : columns_of(row)) {
    columns += (columns.empty() ? "  " : ",\n  ") + column_sql(column);
    if (column.key) continue;
    additions += "ALTER TABLE " + full + " ADD COLUMN IF NOT EXISTS " + column_sql(column) + ";\n";
  }
  return "CREATE TABLE IF NOT EXISTS " + full + " (\n" + columns + constraints +
         "\n) WITH (fillfactor = " + std::string(fillfactor(row)) + ");\n" + additions;
}

std::string keyed_table_sql(const Descriptor& row, const std::string& schema) {
  return table_sql(row, schema, ",\n  PRIMARY KEY (" + key_columns(row) + ")") +
         indexes_sql(row, schema);
}

std::string keyless_table_sql(const Descriptor& row, const std::string& schema) {
  return table_sql(row, schema, "");
}

// As reader_views() finds them in a database that has no others.
std::string views_sql(const PublishedSchema& schema, int generation) {
  const Shown shown{std::string(schema.domain), generation};
  std::string sql = "CREATE SCHEMA IF NOT EXISTS " + quoted(schema.domain) + ";\n";
  for (const Descriptor* row : published_rows(*schema.tables)) {
    ReaderView view{.name = table_name(*row), .options = {}, .columns = {}};
    for (const Column& column : columns_of(*row)) {
      view.columns.push_back({column.field->name(), std::string(sql_type(column))});
    }
    sql += view_sql(shown, view);
    sql += comments_sql(*row, schema.tables_source, CommentsOn::view,
                        quoted(schema.domain) + "." + quoted(view.name));
  }
  return sql + std::string(schema.reads_sql);
}

std::string made_sql(const PublishedSchema& schema, int generation,
                     std::string (*table)(const Descriptor&, const std::string&)) {
  const std::string name = generation_schema(schema.domain, generation);
  std::string sql = "CREATE SCHEMA IF NOT EXISTS " + quoted(name) + ";\n";
  for (const Descriptor* row : table_rows(schema)) {
    sql += table(*row, name);
    sql += comments_sql(*row, schema.tables_source, CommentsOn::table, full_name(*row, name));
  }
  return sql;
}

// Of what is there and of what the owner puts there later. Roles may be missing where the user
// could not make them.
std::string grant_sql(std::string_view role, std::string_view rights, std::string_view where) {
  return "  IF EXISTS (SELECT FROM pg_roles WHERE rolname = '" + std::string(role) +
         "') THEN\n    GRANT USAGE ON SCHEMA " + quoted(where) + " TO " + std::string(role) +
         ";\n    GRANT " + std::string(rights) + " ON ALL TABLES IN SCHEMA " + quoted(where) +
         " TO " + std::string(role) + ";\n    ALTER DEFAULT PRIVILEGES IN SCHEMA " + quoted(where) +
         " GRANT " + std::string(rights) + " ON TABLES TO " + std::string(role) + ";\n  END IF;\n";
}

std::string table_grants_sql(const PublishedSchema& schema, int generation) {
  const std::string tables = generation_schema(schema.domain, generation);
  return grant_sql("sluice_reader", "SELECT", tables) +
         grant_sql("sluice_writer", "SELECT, INSERT, UPDATE, DELETE", tables);
}

std::string granted(const std::string& grants) {
  return "DO $grants$ BEGIN\n" + grants + "END $grants$;\n";
}

}  // namespace

std::vector<const Descriptor*> table_rows(const PublishedSchema& schema) {
  std::vector<const Descriptor*> rows = published_rows(*schema.tables);
  if (schema.emits) rows.push_back(&emission_row());
  return rows;
}

PublishedSchema as_made(const PublishedSchema& schema, bool tells_emissions) {
  PublishedSchema made = schema;
  made.emits = tells_emissions;
  return made;
}

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
  return made_sql(schema, generation, &keyed_table_sql) + views_sql(schema, generation) +
         granted(grant_sql("sluice_reader", "SELECT", schema.domain) +
                 table_grants_sql(schema, generation));
}

std::string readers_schema_sql(std::string_view domain) {
  return "CREATE SCHEMA IF NOT EXISTS " + quoted(domain) + ";\n" +
         granted(grant_sql("sluice_reader", "SELECT", domain));
}

std::string tables_sql(const PublishedSchema& schema, int generation) {
  return made_sql(schema, generation, &keyed_table_sql) +
         granted(table_grants_sql(schema, generation));
}

std::string keyless_tables_sql(const PublishedSchema& schema, int generation) {
  return made_sql(schema, generation, &keyless_table_sql) +
         granted(table_grants_sql(schema, generation));
}

std::string keys_sql(const PublishedSchema& schema, int generation) {
  const std::string name = generation_schema(schema.domain, generation);
  std::string sql;
  for (const Descriptor* row : table_rows(schema)) {
    const std::string full = full_name(*row, name);
    sql += "ALTER TABLE " + full + " ADD PRIMARY KEY (" + key_columns(*row) + ");\n" +
           indexes_sql(*row, name) + "ANALYZE " + full + ";\n";
  }
  return sql;
}

}  // namespace sluice

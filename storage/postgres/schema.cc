#include "storage/postgres/schema.h"

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "sluice/table.pb.h"
#include "storage/base/errors.h"
#include "storage/postgres/comments.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/copy_text.h"

extern const char* const kEngineSql;

namespace sluice {
namespace {

using google::protobuf::Descriptor;

// Field names are lower-case words, some of them reserved by SQL.
std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

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
  std::string keys;
  std::string additions;
  for (const Column& column : columns_of(row)) {
    columns += "  " + column_sql(column) + ",\n";
    if (column.key) {
      keys += (keys.empty() ? "" : ", ") + quoted(column.field->name());
    } else {
      additions +=
          "ALTER TABLE " + full + " ADD COLUMN IF NOT EXISTS " + column_sql(column) + ";\n";
    }
  }
  std::string sql = "CREATE TABLE IF NOT EXISTS " + full + " (\n" + columns + "  PRIMARY KEY (" +
                    keys + ")\n) WITH (fillfactor = " + std::string(fillfactor(row)) + ");\n" +
                    additions;
  int number = 0;
  for (const std::string& index : row.options().GetExtension(table).index()) {
    sql += "CREATE INDEX IF NOT EXISTS " + quoted(name + "_order" + std::to_string(++number)) +
           " ON " + full + " (" + index + ");\n";
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

// Roles may be missing where the user could not make them.
std::string grants_sql(const PublishedSchema& schema, int generation) {
  const std::string tables = generation_schema(schema.domain, generation);
  const auto grant = [](std::string_view role, std::string_view rights, std::string_view where) {
    return "  IF EXISTS (SELECT FROM pg_roles WHERE rolname = '" + std::string(role) +
           "') THEN\n    GRANT USAGE ON SCHEMA " + quoted(where) + " TO " + std::string(role) +
           ";\n    GRANT " + std::string(rights) + " ON ALL TABLES IN SCHEMA " + quoted(where) +
           " TO " + std::string(role) + ";\n  END IF;\n";
  };
  return "DO $grants$ BEGIN\n" + grant("sluice_reader", "SELECT", schema.domain) +
         grant("sluice_reader", "SELECT", tables) +
         grant("sluice_writer", "SELECT, INSERT, UPDATE, DELETE", tables) + "END $grants$;\n";
}

void require_same_types(PgConnection& connection, const PublishedSchema& schema, int generation) {
  const std::string name = generation_schema(schema.domain, generation);
  for (const Descriptor* row : published_rows(*schema.tables)) {
    for (const Column& column : columns_of(*row)) {
      const PgResult found = connection.run(
          "SELECT data_type FROM information_schema.columns "
          "WHERE table_schema = $1 AND table_name = $2 AND column_name = $3",
          {name, table_name(*row), column.field->name()});
      if (found.rows() != 1 || found.text(0, 0) == sql_type(column)) continue;
      throw Misconfigured(name + "." + table_name(*row) + "." + column.field->name() + " is " +
                          std::string(found.text(0, 0)) + ", but this program has " +
                          std::string(sql_type(column)) + ": rebuild the projection");
    }
  }
}

// The live generation's number, registering the first.
int live_generation(PgConnection& connection, const PublishedSchema& schema) {
  connection.run(
      "INSERT INTO sluice.projection (projection, generation, unique_id, version, partitions, "
      "horizon_ms, quarantine_ms, live) "
      "SELECT $1, 1, gen_random_uuid()::text, $2, $3, $4, $5, true "
      "WHERE NOT EXISTS (SELECT FROM sluice.projection WHERE projection = $1)",
      {schema.domain, std::to_string(schema.version), std::to_string(schema.partitions),
       std::to_string(schema.dedupe_horizon.count()),
       std::to_string(schema.quarantine_retention.count())});
  const PgResult live = connection.run(
      "SELECT generation, version, partitions FROM sluice.projection WHERE projection = $1 AND "
      "live",
      {schema.domain});
  if (live.rows() == 0) throw Misconfigured(std::string(schema.domain) + " has no live generation");
  if (live.number(0, 1) != schema.version) {
    throw Misconfigured(std::string(schema.domain) + " is live with version " +
                        std::string(live.text(0, 1)) + " of its rules, this program has " +
                        std::to_string(schema.version) + ": run `sluice rebuild`");
  }
  if (live.number(0, 2) != schema.partitions) {
    throw Misconfigured(std::string(schema.domain) + " was made with " +
                        std::string(live.text(0, 2)) + " partitions, not " +
                        std::to_string(schema.partitions) + ": start with that number");
  }
  return static_cast<int>(live.number(0, 0));
}

// DDL waits for whoever reads a table in a long transaction, and readers then wait for it: what is
// there already is not made again, unless asked for.
void apply_once(PgConnection& connection, const std::string& name, const std::string& sql,
                Apply how) {
  const bool noted = !connection.run("SELECT to_regclass('sluice.applied')").null(0, 0);
  if (how == Apply::what_changed && noted) {
    const PgResult same = connection.run(
        "SELECT FROM sluice.applied WHERE name = $1 AND digest = md5($2)", {name, sql});
    if (same.rows() == 1) return;
  }
  connection.run(sql);
  connection.run(
      "INSERT INTO sluice.applied VALUES ($1, md5($2), now()) ON CONFLICT (name) "
      "DO UPDATE SET digest = excluded.digest, applied_at = excluded.applied_at",
      {name, sql});
}

}  // namespace

std::string generation_schema(std::string_view projection, int generation) {
  return std::string(projection) + "_g" + std::to_string(generation);
}

std::string schema_sql(const PublishedSchema& schema, int generation) {
  return tables_sql(schema, generation) + views_sql(schema, generation) +
         grants_sql(schema, generation);
}

void apply_schema(const std::string& url, std::span<const PublishedSchema> schemas, Apply how) {
  // Until another applier is done.
  PgConnection connection(url, std::chrono::minutes(5));
  connection.run("BEGIN; SELECT pg_advisory_xact_lock(hashtext('sluice schema apply'))");
  apply_once(connection, "sluice", kEngineSql, how);
  for (const PublishedSchema& schema : schemas) {
    const int generation = live_generation(connection, schema);
    require_same_types(connection, schema, generation);
    apply_once(connection, generation_schema(schema.domain, generation),
               schema_sql(schema, generation), how);
  }
  connection.run("COMMIT");
}

}  // namespace sluice

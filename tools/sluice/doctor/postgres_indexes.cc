// Indexes that the schema has, and the database has not.

#include <optional>
#include <set>

#include "schemas/descriptors/domain.h"
#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/engine_indexes.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/sql_text.h"
#include "storage/postgres/table_shape.h"
#include "tools/sluice/doctor/postgres_findings.h"

namespace sluice {
namespace {

constexpr std::string_view kEngine = "sluice";

// What one schema has.
struct Found {
  std::set<std::string> indexes;  // valid or not
  std::set<std::string> keyed;    // tables with a primary key
  std::set<std::string> tables;
};

Found found_in(PgConnection& postgres, std::string_view schema) {
  const PgResult rows = postgres.run(
      "SELECT t.relname, x.relname, i.indisprimary FROM pg_class t "
      "JOIN pg_namespace n ON n.oid = t.relnamespace LEFT JOIN pg_index i ON i.indrelid = t.oid "
      "LEFT JOIN pg_class x ON x.oid = i.indexrelid WHERE n.nspname = $1 AND t.relkind = 'r'",
      {schema});
  Found found;
  for (int i = 0; i < rows.rows(); ++i) {
    found.tables.emplace(rows.text(i, 0));
    if (rows.null(i, 1)) continue;
    found.indexes.emplace(rows.text(i, 1));
    if (rows.text(i, 2) == "t") found.keyed.emplace(rows.text(i, 0));
  }
  return found;
}

void add(Diagnosis& diagnosis, const std::string& table, const std::string& index,
         const std::string& columns, const std::string& next) {
  JsonWriter evidence;
  evidence.begin_object().field("table", table).field("index", index);
  evidence.field("columns", columns).end_object();
  const std::string of = columns.empty() ? "" : " (" + columns + ")";
  diagnosis.findings.push_back({.code = "index_missing",
                                .what = "Table " + table + " lacks " + index + of +
                                        ": what readers ask by it reads the whole table",
                                .evidence = evidence.take(),
                                .since = std::nullopt,
                                .next = next});
}

std::string run_by_psql(const Scope& scope, const std::string& statement) {
  std::string escaped;
  for (const char c : statement) c == '"' ? escaped += "\\\"" : escaped += c;
  return "psql " + scope.place.postgres + " -c \"" + escaped + "\"";
}

// Key columns in the order of the row's descriptor, where this program has it: a shape has them by
// name.
std::string key_of(std::string_view projection, const std::string& table, const TableShape& shape) {
  for (const Domain& domain : domains()) {
    if (domain.name != projection) continue;
    for (const auto* row : published_rows(*domain.tables)) {
      if (table_name(*row) == table) return key_columns(*row);
    }
  }
  std::vector<std::string> names;
  for (const auto& [name, type] : shape.columns) {
    if (type.ends_with(" key")) names.push_back(quoted(name));
  }
  return joined(names);
}

// Of a generation whose keys and indexes are made; those that stood apart when it was last applied.
void find_in_generation(PgConnection& postgres, const Scope& scope, std::string_view projection,
                        int generation, Diagnosis& diagnosis) {
  const auto wanted = applied_shape(postgres, projection, generation);
  if (!wanted) return;
  const std::string schema = generation_schema(projection, generation);
  const Found found = found_in(postgres, schema);
  for (const auto& [table, shape] : *wanted) {
    // A table that is gone has a code of its own: its view stands still.
    if (!found.tables.contains(table)) continue;
    const std::string name = schema + "." + table;
    if (has_key(shape) && !found.keyed.contains(table)) {
      const std::string columns = key_of(projection, table, shape);
      add(diagnosis, name, table + "_pkey", columns,
          run_by_psql(scope, "ALTER TABLE " + name + " ADD PRIMARY KEY (" + columns + ")"));
    }
    for (const auto& [index, columns] : shape.indexes) {
      if (found.indexes.contains(index)) continue;
      add(diagnosis, name, index, columns,
          run_by_psql(scope,
                      "CREATE INDEX CONCURRENTLY " + index + " ON " + name + " (" + columns + ")"));
    }
  }
}

void find_in_engine(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) {
  const Found found = found_in(postgres, kEngine);
  for (const EngineKey& key : engine_keys()) {
    const std::string table = key.table.substr(kEngine.size() + 1);
    if (!found.tables.contains(table) || found.keyed.contains(table)) continue;
    add(diagnosis, key.table, table + "_pkey", key.columns, run_by_psql(scope, key.statement()));
  }
  for (const EngineIndex& index : engine_indexes()) {
    if (found.indexes.contains(index.name)) continue;
    add(diagnosis, index.table, index.name, "", run_by_psql(scope, index.statement));
  }
}

}  // namespace

void find_missing_indexes(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) {
  const PgResult generations = postgres.run(
      "SELECT projection, generation FROM sluice.projection WHERE status <> 'retired' "
      "AND phase = 'following' AND projection = ANY ($1::text[]) ORDER BY 1, 2",
      {array_text(scope.projections)});
  for (int i = 0; i < generations.rows(); ++i) {
    find_in_generation(postgres, scope, generations.text(i, 0),
                       static_cast<int>(generations.number(i, 1)), diagnosis);
  }
  find_in_engine(postgres, scope, diagnosis);
}

}  // namespace sluice

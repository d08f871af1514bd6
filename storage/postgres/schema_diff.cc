#include "storage/postgres/schema_diff.h"

#include <algorithm>
#include <optional>

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/base/errors.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/generation_tables.h"
#include "storage/postgres/sql_text.h"
#include "storage/postgres/table_shape.h"

namespace sluice {
namespace {

using Entries = std::map<std::string, std::string>;

// A column's type, without whether it is of the key.
std::string type_of(const std::string& column) {
  constexpr std::string_view kOfKey = " key";
  return column.ends_with(kOfKey) ? column.substr(0, column.size() - kOfKey.size()) : column;
}

// Columns, key and indexes of one table.
class Listed {
 public:
  Listed(std::string table, SchemaDifference& difference)
      : table_(std::move(table)), difference_(difference) {}

  void columns(const Entries& from, const Entries& to) {
    for (const auto& [name, type] : to) {
      const auto was = from.find(name);
      if (was == from.end()) {
        add("column_added", table_ + "." + name, "", type_of(type), false);
      } else if (type_of(was->second) != type_of(type)) {
        add("column_retyped", table_ + "." + name, type_of(was->second), type_of(type), true);
      }
    }
    for (const auto& [name, type] : from) {
      if (!to.contains(name)) add("column_dropped", table_ + "." + name, type_of(type), "", false);
    }
  }

  void indexes(const Entries& from, const Entries& to) {
    for (const auto& [name, list] : to) {
      const auto was = from.find(name);
      if (was == from.end()) {
        add("index_added", name, "", list, false);
      } else if (was->second != list) {
        add("index_changed", name, was->second, list, false);
      }
    }
    for (const auto& [name, list] : from) {
      if (!to.contains(name)) add("index_dropped", name, list, "", false);
    }
  }

  void key(const std::string& from, const std::string& to) {
    if (from != to) add("key_changed", table_, from, to, true);
  }

 private:
  void add(const char* kind, const std::string& name, const std::string& from,
           const std::string& to, bool needs_generation) {
    difference_.changes.push_back({kind, name, from, to, needs_generation});
  }

  const std::string table_;
  SchemaDifference& difference_;
};

std::string key_of(const PublishedSchema& schema, const std::string& table) {
  std::vector<std::string> names;
  for (const auto* row : published_rows(*schema.tables)) {
    if (table_name(*row) != table) continue;
    for (const auto* field : key_fields(*row)) names.push_back(field->name());
  }
  return joined(names);
}

// Tables first, then what is in those that both have. A table that is new would stay empty while
// the view has folded the log.
void add_tables(const PublishedSchema& schema, const Shape& from, const Shape& to,
                bool knows_indexes, const std::vector<CatalogueTable>& found,
                SchemaDifference& difference) {
  for (const auto& [table, shape] : to) {
    if (!from.contains(table)) {
      difference.changes.push_back({"table_added", table, "", table, true});
    }
  }
  for (const auto& [table, shape] : from) {
    const auto wanted = to.find(table);
    if (wanted == to.end()) {
      difference.changes.push_back({"table_dropped", table, table, "", false});
      continue;
    }
    Listed listed(table, difference);
    listed.columns(shape.columns, wanted->second.columns);
    if (const CatalogueTable* there = find_table(found, table)) {
      listed.key(joined(there->keys()), key_of(schema, table));
    }
    if (knows_indexes) listed.indexes(shape.indexes, wanted->second.indexes);
  }
}

}  // namespace

bool SchemaDifference::needs_generation() const {
  return std::ranges::any_of(changes, &SchemaChange::needs_generation);
}

std::string next_step(const SchemaDifference& difference, const PublishedSchema& schema) {
  const std::string domain(schema.domain);
  if (difference.changes.empty()) return "";
  if (difference.live_version > schema.version) {
    return "this program is older than what readers see: use the one that has version " +
           std::to_string(difference.live_version) + " of the rules";
  }
  for (const SchemaChange& change : difference.changes) {
    if (change.kind != "column_retyped" && change.kind != "key_changed") continue;
    return "give " + change.name + " another name in schemas/" + domain +
           "/tables.proto: readers' views keep their types, and rows of two keys cannot be "
           "compared, "
           "so that a generation as it is would be built and not promoted";
  }
  if (difference.live_version < schema.version) {
    return "start this program: `sluice up` builds and promotes a generation by itself; with "
           "`--rebuild ask`, or `sluice project`, `sluice rebuild " +
           domain + " --wait` does once it runs";
  }
  if (difference.needs_generation()) return "`sluice rebuild " + domain + " --wait`";
  return "start this program, or `sluice schema apply --domains " + domain + "`";
}

SchemaDifference schema_difference(const std::string& url, const PublishedSchema& schema) {
  PgConnection connection(url);
  const std::string domain(schema.domain);
  const PgResult live =
      connection.run("SELECT to_regclass('sluice.projection')").null(0, 0)
          ? connection.run("SELECT WHERE false")
          : connection.run(
                "SELECT generation, version, coalesce(reads_sql, ''), reads_sql IS NULL "
                "FROM sluice.projection WHERE projection = $1 AND live",
                {domain});
  if (live.rows() == 0) {
    throw Misconfigured(domain +
                        " has no live generation to hold this program's schema against: "
                        "start `sluice up`, or run `sluice schema apply`");
  }
  SchemaDifference difference{static_cast<int>(live.number(0, 0)), live.number(0, 1), {}};
  if (difference.live_version != schema.version) {
    difference.changes.push_back({"version", "", std::to_string(difference.live_version),
                                  std::to_string(schema.version), true});
  }
  const auto applied = applied_shape(connection, domain, difference.generation);
  // What it has of the engine's own is as it was made.
  const bool tells = tells_emissions(connection, domain, difference.generation);
  const Shape found =
      applied.value_or(found_shape(connection, generation_schema(domain, difference.generation)));
  add_tables(schema, found, shape_of(table_rows(as_made(schema, tells))), applied.has_value(),
             generation_tables(connection, domain, difference.generation), difference);
  if (live.text(0, 3) != "t" && live.text(0, 2) != schema.reads_sql) {
    difference.changes.push_back({"reads_changed", "reads.sql", "", "", false});
  }
  return difference;
}

}  // namespace sluice

// apply_schema(): runs the DDL of schema.cc, unless it would hide that a view has lost rows.

#include <spdlog/spdlog.h>

#include <algorithm>

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/base/errors.h"
#include "storage/postgres/applied.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/error.h"
#include "storage/postgres/lost_positions.h"
#include "storage/postgres/reader_views.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/sql_text.h"
#include "storage/postgres/table_shape.h"

namespace sluice {
namespace {

using google::protobuf::Descriptor;

// The live generation of a domain, and what was found of it.
struct Live {
  std::string domain;
  int generation = 1;
  std::int64_t version = 1;
  std::int64_t position = 0;  // the greatest of its partitions
  std::int64_t mark = 0;      // without which no snapshot sees it
  std::string schema;         // where its tables are
  Shape wanted;
  Shape found;
  std::optional<Shape> applied;
  bool tells_emissions = false;
};

std::string refold_command(const std::string& domain) {
  return "`sluice schema apply --refold " + domain + "`";
}

// A view keeps the partitions and the horizons that it was made with: other values of the flags
// change nothing, and are warned of.
void warn_of_kept(const std::string& domain, const char* flag, std::int64_t kept_ms,
                  std::chrono::milliseconds asked) {
  if (kept_ms == asked.count()) return;
  spdlog::warn("{} keeps the {} that its view was made with kept_ms={} asked_ms={}", domain, flag,
               kept_ms, asked.count());
}

// A view that was made without the engine's table goes on without it, since what was folded before
// would be missing in it: it comes with another generation.
bool tells_emissions(const Live& live, const PublishedSchema& schema) {
  const std::string table = table_name(emission_row());
  if (live.applied) return live.applied->contains(table);
  return live.found.empty() && live.position == 0 ? schema.emits : live.found.contains(table);
}

// Registers the first generation where there is none.
Live live_of(PgConnection& connection, const PublishedSchema& schema) {
  connection.run(
      "INSERT INTO sluice.projection (projection, generation, unique_id, version, partitions, "
      "horizon_ms, quarantine_ms, key_index, live, status) "
      "SELECT $1, 1, gen_random_uuid()::text, $2, $3, $4, $5, $6, true, 'live' "
      "WHERE NOT EXISTS (SELECT FROM sluice.projection WHERE projection = $1)",
      {schema.domain, std::to_string(schema.version), std::to_string(schema.partitions),
       std::to_string(schema.dedupe_horizon.count()),
       std::to_string(schema.quarantine_retention.count()), schema.key_index ? "t" : "f"});
  const PgResult live = connection.run(
      "SELECT generation, version, partitions, (SELECT coalesce(max(position), 0) "
      "FROM sluice.position p WHERE p.projection = g.projection AND p.generation = g.generation), "
      "horizon_ms, quarantine_ms, mark FROM sluice.projection g WHERE projection = $1 AND live",
      {schema.domain});
  const std::string domain(schema.domain);
  if (live.rows() == 0) {
    throw Misconfigured(
        "no generation of " + domain +
        " is live in sluice.projection: set `live` and `status` of the one that readers "
        "see");
  }
  if (live.number(0, 2) != schema.partitions) {
    throw Misconfigured(domain + " was made with " + std::string(live.text(0, 2)) +
                        " partitions, not " + std::to_string(schema.partitions) +
                        ": start with --partitions " + std::string(live.text(0, 2)));
  }
  warn_of_kept(domain, "--dedupe-horizon", live.number(0, 4), schema.dedupe_horizon);
  warn_of_kept(domain, "--quarantine-retention", live.number(0, 5), schema.quarantine_retention);
  Live made;
  made.domain = domain;
  made.generation = static_cast<int>(live.number(0, 0));
  made.version = live.number(0, 1);
  made.position = live.number(0, 3);
  made.mark = live.number(0, 6);
  made.schema = generation_schema(domain, made.generation);
  made.found = found_shape(connection, made.schema);
  made.applied = applied_shape(connection, domain, made.generation);
  made.tells_emissions = tells_emissions(made, schema);
  made.wanted = shape_of(table_rows(as_made(schema, made.tells_emissions)));
  return made;
}

[[noreturn]] void refuse_version(const Live& live, const PublishedSchema& schema) {
  throw Misconfigured(live.domain + " was folded by version " + std::to_string(live.version) +
                      " of its rules, this program has " + std::to_string(schema.version) +
                      ": let `sluice rebuild " + live.domain +
                      "` of this one build another generation beside the view, or start the "
                      "program of that version, or end every process that projects " +
                      live.domain + " and let " + refold_command(live.domain) +
                      " of this one empty the view, to be folded anew");
}

// What stands there under a column's name must be that column.
void require_same_types(const Live& live) {
  for (const auto& [table, shape] : live.wanted) {
    const auto there = live.found.find(table);
    if (there == live.found.end()) continue;
    for (const auto& [column, type] : shape.columns) {
      const auto found = there->second.columns.find(column);
      if (found == there->second.columns.end() || found->second == type) continue;
      // A key that is gone is made again; a column that is of another one is not ours.
      if (found->second + " key" == type && !has_key(there->second)) continue;
      throw Misconfigured(live.schema + "." + table + "." + column + " is \"" + found->second +
                          "\", but this program has \"" + type + "\": DROP SCHEMA " + live.schema +
                          " CASCADE, then " + refold_command(live.domain) +
                          " makes its tables and folds the log anew");
    }
  }
}

// Tables from which a column was ever dropped, by whatever program made them.
bool has_dropped_columns(PgConnection& connection, const std::string& schema,
                         const std::string& table) {
  return connection
             .run("SELECT FROM pg_attribute WHERE attisdropped AND attrelid = to_regclass($1)",
                  {quoted(schema) + "." + quoted(table)})
             .rows() > 0;
}

// What is missing although the view has folded into it: every table, and each column that an
// earlier program made. A column that is new in this program is added, empty, as its default.
std::vector<std::string> lost_by(PgConnection& connection, const Live& live) {
  std::vector<std::string> lost;
  for (const std::string& name : missing_from(live.found, live.wanted)) {
    const auto dot = name.find('.');
    bool was_there = dot == std::string::npos;
    if (!was_there) {
      const std::string table = name.substr(0, dot);
      if (live.applied) {
        const auto made = live.applied->find(table);
        was_there =
            made != live.applied->end() && made->second.columns.contains(name.substr(dot + 1));
      } else {
        was_there = has_dropped_columns(connection, live.schema, table);
      }
    }
    if (was_there) lost.push_back(live.schema + "." + name);
  }
  return lost;
}

std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::vector<std::string> shown(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
  const std::string more =
      names.size() > kShown ? " and " + std::to_string(names.size() - kShown) + " more" : "";
  return joined(shown) + more + (names.size() == 1 ? " is" : " are");
}

bool any_rows(PgConnection& connection, const Live& live) {
  return std::ranges::any_of(live.found, [&](const auto& table) {
    return live.wanted.contains(table.first) && connection
                                                        .run("SELECT FROM " + quoted(live.schema) +
                                                             "." + quoted(table.first) + " LIMIT 1")
                                                        .rows() > 0;
  });
}

// The rows must be those of the position, before anything is made that would look so.
void require_whole(PgConnection& connection, const Live& live) {
  if (auto lost = lost_positions(connection, live.domain, std::to_string(live.generation))) {
    throw Corrupt(*lost);
  }
  if (live.position == 0) {
    if (!any_rows(connection, live)) return;
    throw Corrupt("tables of " + live.schema +
                  " have rows, but no row of sluice.position says up to where the log was folded "
                  "into them: restore it, or let " +
                  refold_command(live.domain) + " empty them and fold the log anew");
  }
  const std::vector<std::string> lost = lost_by(connection, live);
  if (lost.empty()) return;
  throw Corrupt(some_of(lost) + " missing, while the view of " + live.domain +
                " has folded the log up to " + std::to_string(live.position) +
                ": restore the database, or let " + refold_command(live.domain) +
                " make what is missing, empty the view and fold the log anew");
}

// CREATE INDEX IF NOT EXISTS goes by the name alone.
void drop_changed_indexes(PgConnection& connection, const Live& live) {
  if (!live.applied) return;
  for (const auto& [table, made] : *live.applied) {
    const auto wanted = live.wanted.find(table);
    for (const auto& [name, columns] : made.indexes) {
      const bool same = wanted != live.wanted.end() && wanted->second.indexes.contains(name) &&
                        wanted->second.indexes.at(name) == columns;
      if (!same) {
        connection.run("DROP INDEX IF EXISTS " + quoted(live.schema) + "." + quoted(name));
      }
    }
  }
}

// CREATE TABLE IF NOT EXISTS leaves a table alone that has lost its key.
void restore_keys(PgConnection& connection, const Live& live, const PublishedSchema& schema) {
  for (const Descriptor* row : table_rows(schema)) {
    const auto there = live.found.find(table_name(*row));
    if (there == live.found.end() || has_key(there->second)) continue;
    connection.run("ALTER TABLE " + quoted(live.schema) + "." + quoted(table_name(*row)) +
                   " ADD PRIMARY KEY (" + key_columns(*row) + ")");
  }
}

// Views that readers read, of all that the domain publishes.
bool has_views(PgConnection& connection, const PublishedSchema& schema) {
  return std::ranges::all_of(published_rows(*schema.tables), [&](const Descriptor* row) {
    const std::string name = quoted(schema.domain) + "." + quoted(table_name(*row));
    return !connection.run("SELECT to_regclass($1)", {name}).null(0, 0);
  });
}

// The views onto the live generation, and the functions that go with them. A view that is there
// keeps its columns and the mark of the generation.
void make_readers(PgConnection& connection, const Live& live, const PublishedSchema& schema) {
  connection.run(readers_schema_sql(live.domain));
  const Shown shown{live.domain, live.generation, live.mark};
  const ReaderViews readers = reader_views(connection, live.domain, live.generation);
  if (!readers.conflicts.empty()) {
    throw Misconfigured(joined(readers.conflicts) +
                        ": drop the view, then run `sluice schema apply`");
  }
  connection.run(readers.sql(shown));
  connection.run(std::string(schema.reads_sql) + readers_schema_sql(live.domain));
  note_applied(connection, live.domain, readers_text(shown, schema.reads_sql));
}

// DDL waits for a long transaction that reads the table, and new readers wait for the DDL: what
// exists already is not made again, unless asked for.
void make_tables(PgConnection& connection, const Live& live, const PublishedSchema& schema,
                 Apply how) {
  const std::string sql = tables_sql(schema, live.generation);
  const bool whole = missing_from(live.found, live.wanted).empty();
  const bool skips = how == Apply::what_changed;
  if (!skips || !whole || !live.applied || !applied_before(connection, live.schema, sql)) {
    drop_changed_indexes(connection, live);
    restore_keys(connection, live, schema);
    run_ddl(connection, live.schema, sql);
    remember_shape(connection, live.domain, live.generation, live.wanted);
  } else if (has_views(connection, schema) &&
             applied_before(
                 connection, live.domain,
                 readers_text({live.domain, live.generation, live.mark}, schema.reads_sql))) {
    return;
  }
  make_readers(connection, live, schema);
}

// Rows are deleted, not truncated: a reader who has begun a snapshot keeps the rows beside the
// position that belongs to them. What was emitted before the old position is not emitted again. A
// view without rows stands on no log: it is bound to the one that it is folded from next.
void set_back(PgConnection& connection, const Live& live, const PublishedSchema& schema) {
  const std::string number = std::to_string(live.generation);
  connection.run("SET LOCAL statement_timeout = 0");
  restore_lost_positions(connection, live.domain, number);
  connection.run(
      "UPDATE sluice.position SET emits_from = greatest(emits_from, position), position = 0, "
      "digest = 0, published = 0, record_time = NULL, log_identity = NULL "
      "WHERE projection = $1 AND generation = $2",
      {live.domain, number});
  connection.run(
      "UPDATE sluice.projection SET log = NULL WHERE projection = $1 AND generation = $2",
      {live.domain, number});
  for (const char* table : {"sluice.rejection", "sluice.quarantine", "sluice.decision",
                            "sluice.due", "sluice.audit", "sluice.audit_difference"}) {
    connection.run(
        std::string("DELETE FROM ") + table + " WHERE projection = $1 AND generation = $2",
        {live.domain, number});
  }
  for (const auto& table : live.wanted) {
    connection.run("DELETE FROM " + quoted(live.schema) + "." + quoted(table.first));
  }
  // State that rules of another version have folded is of another generation.
  connection.run(
      "UPDATE sluice.projection SET unique_id = gen_random_uuid()::text, version = $3 "
      "WHERE projection = $1 AND generation = $2 AND version <> $3",
      {live.domain, number, std::to_string(schema.version)});
}

// Columns and indexes that are new in this program, in generations beside the live one that it
// folds. Those that are built in bulk get their keys later, and those of this program then.
void make_beside(PgConnection& connection, const PublishedSchema& asked, Apply how) {
  const PgResult beside = connection.run(
      "SELECT generation, phase = 'following', coalesce(applied ? $3, false) "
      "FROM sluice.projection WHERE projection = $1 "
      "AND version = $2 AND status IN ('building', 'ready', 'standing') ORDER BY generation",
      {asked.domain, std::to_string(asked.version), table_name(emission_row())});
  for (int i = 0; i < beside.rows(); ++i) {
    const PublishedSchema schema = as_made(asked, beside.text(i, 2) == "t");
    const int generation = static_cast<int>(beside.number(i, 0));
    const std::string name = generation_schema(schema.domain, generation);
    const bool keyed = beside.text(i, 1) == "t";
    const std::string sql = tables_sql(schema, generation);
    if (how == Apply::what_changed && applied_before(connection, name, sql)) continue;
    connection.run(keyed ? sql : keyless_tables_sql(schema, generation));
    note_applied(connection, name, sql);
    remember_shape(connection, schema.domain, generation, shape_of(table_rows(schema)));
    connection.run(
        "UPDATE sluice.projection SET reads_sql = $3, keys_sql = CASE WHEN phase <> 'following' "
        "THEN $4 END WHERE projection = $1 AND generation = $2",
        {schema.domain, std::to_string(generation), schema.reads_sql,
         keys_sql(schema, generation)});
  }
}

// Whether a generation of this program's version is there beside the live one.
bool has_own_generation(PgConnection& connection, const PublishedSchema& schema) {
  return connection
             .run(
                 "SELECT FROM sluice.projection WHERE projection = $1 AND version = $2 "
                 "AND status IN ('building', 'ready', 'standing')",
                 {schema.domain, std::to_string(schema.version)})
             .rows() > 0;
}

// What is built beside the view, or stands to be rolled back to, goes by the view's positions.
void require_alone(PgConnection& connection, const std::string& domain) {
  const PgResult beside = connection.run(
      "SELECT generation, status FROM sluice.projection WHERE projection = $1 AND NOT live "
      "AND status <> 'retired' ORDER BY generation LIMIT 1",
      {domain});
  if (beside.rows() == 0) return;
  const std::string number(beside.text(0, 0));
  throw Misconfigured(domain + " cannot be folded anew in place while its generation " + number +
                      " is " + std::string(beside.text(0, 1)) + ": `sluice retire " + domain +
                      " --generation " + number + "` takes that one away");
}

void apply_domain(PgConnection& connection, const PublishedSchema& asked, Apply how,
                  bool folds_anew, std::chrono::milliseconds lock_wait) {
  const Live live = live_of(connection, asked);
  const PublishedSchema schema = as_made(asked, live.tells_emissions);
  if (folds_anew) {
    require_alone(connection, live.domain);
    lock_positions(connection, live.domain, std::to_string(live.generation), lock_wait);
  }
  make_beside(connection, asked, how);
  if (!folds_anew && live.version != schema.version) {
    if (has_own_generation(connection, schema)) return;
    refuse_version(live, schema);
  }
  require_same_types(live);
  if (!folds_anew) require_whole(connection, live);
  make_tables(connection, live, schema, how);
  connection.run(
      "UPDATE sluice.projection SET reads_sql = $3 WHERE projection = $1 AND generation = $2 "
      "AND reads_sql IS DISTINCT FROM $3",
      {live.domain, std::to_string(live.generation), schema.reads_sql});
  if (folds_anew) set_back(connection, live, schema);
}

void apply_all(PgConnection& connection, std::span<const PublishedSchema> schemas, Apply how,
               const std::vector<std::string>& refold, std::chrono::milliseconds lock_wait) {
  begin_applying(connection, lock_wait);
  apply_engine(connection, how == Apply::everything);
  for (const PublishedSchema& schema : schemas) {
    apply_domain(connection, schema, how, std::ranges::count(refold, schema.domain) > 0, lock_wait);
  }
  connection.run("COMMIT");
}

}  // namespace

void apply_schema(const std::string& url, std::span<const PublishedSchema> schemas, Apply how,
                  const std::vector<std::string>& refold) {
  // Until another applier is done.
  PgConnection connection(url, std::chrono::minutes(5));
  try {
    as_applier(connection,
               [&](auto lock_wait) { apply_all(connection, schemas, how, refold, lock_wait); });
  } catch (const Retryable& failure) {
    if (!has_state(failure, "55P03") && !has_state(failure, "40P01")) throw;
    throw Retryable(holder_of_locks(connection));
  }
}

}  // namespace sluice

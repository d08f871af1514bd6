#include "storage/postgres/applied.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "storage/base/errors.h"
#include "storage/postgres/engine_indexes.h"
#include "storage/postgres/error.h"

extern const char* const kEngineSql;

namespace sluice {
namespace {

struct EngineNote {
  std::int64_t revision = 0;
  std::int64_t least = 0;
};

// Of a database from before there were numbers: 0. The same where nothing may be read: who works on
// it is refused for that.
EngineNote noted_engine(PgConnection& connection) {
  const PgResult may_read = connection.run(
      "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = 'sluice' AND c.relname = 'applied' "
      "AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')");
  if (may_read.rows() == 0) return {};
  const PgResult found = connection.run(
      "SELECT coalesce((to_jsonb(a)->>'revision')::integer, 0), "
      "coalesce((to_jsonb(a)->>'least_revision')::integer, 0) "
      "FROM sluice.applied a WHERE name = 'sluice'");
  if (found.rows() == 0) return {};
  return {found.number(0, 0), found.number(0, 1)};
}

// What is there is not made again, and every claim and flush goes by keys: without one a projector
// would be refused each statement, or write a row twice.
void require_engine_keys(PgConnection& connection) {
  const PgResult keyless = connection.run(
      "SELECT n.nspname || '.' || c.relname FROM pg_class c "
      "JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = 'sluice' AND c.relkind IN ('r', 'p') AND NOT EXISTS "
      "(SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) ORDER BY 1");
  const std::vector<EngineKey> keys = engine_keys();
  for (int i = 0; i < keyless.rows(); ++i) {
    const auto key = std::ranges::find(keys, keyless.text(i, 0), &EngineKey::table);
    if (key == keys.end()) continue;
    throw Misconfigured("table " + key->table + " of this database lacks its primary key (" +
                        key->columns +
                        "), as a restore leaves it that did not come to its end: restore it "
                        "whole, or run " +
                        key->statement());
  }
}

EngineNote known_engine(PgConnection& connection) {
  require_engine_keys(connection);
  const EngineNote note = noted_engine(connection);
  if (note.least <= kEngineRevision) return note;
  throw Misconfigured("the schema sluice of this database was made by a newer program (revision " +
                      std::to_string(note.revision) + ", for programs from " +
                      std::to_string(note.least) + " on; this one has " +
                      std::to_string(kEngineRevision) +
                      "): start that program, or give --postgres another database");
}

std::string lock_timeout_sql(std::chrono::milliseconds wait) {
  return "SET LOCAL lock_timeout = '" + std::to_string(wait.count()) + "ms'";
}

}  // namespace

bool LockPatience::again() {
  constexpr std::chrono::milliseconds kPause{100};
  constexpr std::chrono::milliseconds kWaitMost{800};
  if (std::chrono::steady_clock::now() + kPause >= end_) return false;
  std::this_thread::sleep_for(kPause);
  wait_ = std::min(wait_ * 5 / 4, kWaitMost);
  return true;
}

void begin_applying(PgConnection& connection, std::chrono::milliseconds lock_wait) {
  // Shapes are told from types and indexes as Postgres writes them.
  connection.run(
      "BEGIN; SET LOCAL quote_all_identifiers = off; "
      "SELECT pg_advisory_xact_lock(hashtext('sluice schema apply'));" +
      lock_timeout_sql(lock_wait));
}

void lock_positions(PgConnection& connection, std::string_view domain, const std::string& number,
                    std::chrono::milliseconds lock_wait) {
  constexpr std::chrono::seconds kFlush{10};
  connection.run(lock_timeout_sql(kFlush));
  connection.run(
      "SELECT FROM sluice.position WHERE projection = $1 AND generation = $2 ORDER BY partition "
      "FOR NO KEY UPDATE",
      {domain, number});
  connection.run(lock_timeout_sql(lock_wait));
}

bool gave_way(const Retryable& failure) {
  // Postgres has no state of its own for "tuple concurrently updated".
  return has_state(failure, "55P03") || has_state(failure, "40P01") ||
         has_state(failure, "40001") || has_state(failure, "XX000");
}

bool applied_before(PgConnection& connection, const std::string& name, const std::string& sql) {
  if (connection.run("SELECT to_regclass('sluice.applied')").null(0, 0)) return false;
  return connection
             .run("SELECT FROM sluice.applied WHERE name = $1 AND digest = md5($2)", {name, sql})
             .rows() == 1;
}

void note_applied(PgConnection& connection, const std::string& name, const std::string& sql) {
  connection.run(
      "INSERT INTO sluice.applied VALUES ($1, md5($2), now()) ON CONFLICT (name) "
      "DO UPDATE SET digest = excluded.digest, applied_at = excluded.applied_at",
      {name, sql});
}

void run_ddl(PgConnection& connection, const std::string& name, const std::string& sql) {
  connection.run(sql);
  note_applied(connection, name, sql);
}

void require_known_engine(PgConnection& connection) { (void)known_engine(connection); }

bool engine_is_applied(PgConnection& connection) {
  return known_engine(connection).revision > kEngineRevision ||
         applied_before(connection, "sluice", kEngineSql);
}

void apply_engine(PgConnection& connection, bool again) {
  if (known_engine(connection).revision > kEngineRevision) return;
  if (!again && applied_before(connection, "sluice", kEngineSql)) return;
  run_ddl(connection, "sluice", kEngineSql);
  connection.run(
      "UPDATE sluice.applied SET revision = $1, least_revision = $2 WHERE name = 'sluice'",
      {std::to_string(kEngineRevision), std::to_string(kEngineLeastRevision)});
}

std::string holder_of_locks(PgConnection& connection) {
  const PgResult oldest = connection.run(
      "SELECT pid, coalesce(nullif(application_name, ''), usename, 'unnamed'), "
      "round(extract(epoch FROM now() - xact_start)) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL "
      "ORDER BY xact_start LIMIT 1");
  if (oldest.rows() == 0) return "somebody held a lock on a table of Sluice: try again";
  return "a transaction holds a lock on a table of Sluice, perhaps that of process " +
         std::string(oldest.text(0, 0)) + " (" + std::string(oldest.text(0, 1)) + "), begun " +
         std::string(oldest.text(0, 2)) + " s ago: end it, then try again";
}

}  // namespace sluice

#include "storage/postgres/applied.h"

extern const char* const kEngineSql;

namespace sluice {

void begin_applying(PgConnection& connection) {
  // Shapes are told from types and indexes as Postgres writes them.
  connection.run(
      "BEGIN; SET LOCAL quote_all_identifiers = off; "
      "SELECT pg_advisory_xact_lock(hashtext('sluice schema apply'))");
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

void apply_engine(PgConnection& connection, bool again) {
  if (!again && applied_before(connection, "sluice", kEngineSql)) return;
  run_ddl(connection, "sluice", kEngineSql);
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

#include "storage/postgres/postgres_vitals.h"

#include <chrono>
#include <cstdlib>

namespace sluice {
namespace {

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// The server looked at its clock between our two looks.
double clock_ahead(PgConnection& connection) {
  const double before = wall_seconds();
  const PgResult told = connection.run("SELECT extract(epoch FROM clock_timestamp())::float8");
  const double after = wall_seconds();
  const double server = std::strtod(std::string(told.text(0, 0)).c_str(), nullptr);
  if (server < before) return before - server;
  return server > after ? after - server : 0;
}

}  // namespace

PostgresVitals ask_vitals(PgConnection& connection) {
  const PgResult told = connection.run(
      "SELECT current_setting('server_version'), pg_is_in_recovery(), "
      "(SELECT sum(numbackends) FROM pg_stat_database)::bigint, "
      "current_setting('max_connections')::bigint, d.xact_commit, d.xact_rollback, d.deadlocks, "
      "d.temp_bytes, d.blks_hit::float8 / nullif(d.blks_hit + d.blks_read, 0), "
      "coalesce((SELECT extract(epoch FROM greatest(now() - min(a.xact_start), interval '0')) "
      "FROM pg_stat_activity a WHERE a.datname = current_database() "
      "AND a.pid <> pg_backend_pid()), 0)::float8 "
      "FROM pg_stat_database d WHERE d.datname = current_database()");
  PostgresVitals vitals{.version = std::string(told.text(0, 0)),
                        .replica = told.text(0, 1) == "t",
                        .connections = told.number(0, 2),
                        .connections_max = told.number(0, 3),
                        .committed = told.number(0, 4),
                        .rolled_back = told.number(0, 5),
                        .deadlocks = told.number(0, 6),
                        .temporary_bytes = told.number(0, 7)};
  const auto real = [&](int column) {
    return std::strtod(std::string(told.text(0, column)).c_str(), nullptr);
  };
  if (!told.null(0, 8)) vitals.cached = real(8);
  vitals.oldest_transaction_seconds = real(9);
  vitals.clock_ahead_seconds = clock_ahead(connection);
  return vitals;
}

}  // namespace sluice

#include "storage/postgres/postgres_monitor.h"

#include <chrono>
#include <utility>

#include "storage/postgres/array_text.h"
#include "storage/postgres/heartbeat.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// Together less than the seconds within which somebody wants to hear.
constexpr milliseconds kStatement{1000};
constexpr milliseconds kToAnswer{1000};
constexpr std::chrono::seconds kToConnect{2};

// Longer than the pause before a flush that failed is tried again.
constexpr std::chrono::seconds kBetweenFlushes{20};

// What Postgres keeps of a longer name.
constexpr std::size_t kLongestName = 63;

// Who waits for a row waits for the transaction that changed it; which table's row it is tells the
// lock that it has on the row's place, or where it has none (ON CONFLICT), its own statement. When
// another user's transaction began is not to be seen: then null.
constexpr const char* kLocks =
    "SELECT a.application_name, CASE WHEN l.locktype = 'relation' "
    "THEN l.mode || ' on ' || n.nspname || '.' || c.relname "
    "WHEN l.locktype IN ('transactionid', 'tuple') THEN 'a row' || coalesce(' of ' || coalesce("
    "n.nspname || '.' || c.relname, replace(substring(a.query "
    "FROM '^(?:INSERT INTO|DELETE FROM|UPDATE) (\\S+)'), '\"', '')), '') "
    "ELSE l.mode || ' (' || l.locktype || ')' END, "
    "to_char(l.waitstart AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS\"Z\"'), "
    "p.pids[1], b.application_name, b.usename, "
    "to_char(b.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS\"Z\"'), "
    "(SELECT string_agg(DISTINCT h.mode, ', ') FROM pg_locks h WHERE h.pid = p.pids[1] "
    "AND h.granted AND l.locktype = 'relation' AND h.relation = l.relation), "
    "cardinality(p.pids), (pg_blocking_pids(p.pids[1]))[1] "
    "FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted "
    "LEFT JOIN LATERAL (SELECT relation FROM pg_locks g WHERE g.pid = a.pid AND g.granted "
    "AND g.locktype = 'tuple' LIMIT 1) AS t ON true "
    "LEFT JOIN pg_class c ON c.oid = coalesce(l.relation, t.relation) "
    "LEFT JOIN pg_namespace n ON n.oid = c.relnamespace "
    "CROSS JOIN LATERAL (SELECT pg_blocking_pids(a.pid) AS pids) AS p "
    "LEFT JOIN pg_stat_activity b ON b.pid = p.pids[1] "
    "WHERE a.datname = current_database() AND a.application_name = ANY ($1::text[]) "
    "AND cardinality(p.pids) > 0";

std::string named(const PgResult& rows, int i) {
  const std::string pid(rows.text(i, 3));
  if (pid == "0") return "a prepared transaction";
  std::string who = "process " + pid + " of Postgres";
  if (rows.null(i, 5)) return who;
  const std::string_view application = rows.text(i, 4);
  return who + " (" + (application.empty() ? "" : std::string(application) + ", ") + "user " +
         std::string(rows.text(i, 5)) + ")";
}

// "RowExclusiveLock on deliberation_g1.vote since 2026-11-29 03:00:01Z: process 4711 of Postgres
// (psql, user operator) has AccessExclusiveLock there, in a transaction since ...: end it, or ...".
std::string told(const PgResult& rows, int i, const std::string& since) {
  std::string text(rows.text(i, 1));
  if (!since.empty()) text += " since " + since;
  text += ": " + named(rows, i) + " is in the way";
  if (!rows.null(i, 7)) text += " with " + std::string(rows.text(i, 7));
  if (!rows.null(i, 6)) text += ", in a transaction since " + std::string(rows.text(i, 6));
  if (rows.number(i, 8) > 1) text += ", and " + std::to_string(rows.number(i, 8) - 1) + " more";
  if (!rows.null(i, 9)) text += ", which waits for process " + std::string(rows.text(i, 9));
  if (rows.text(i, 3) == "0") return text + ". ROLLBACK PREPARED ends it (pg_prepared_xacts)";
  return text + ". End that transaction, or SELECT pg_terminate_backend(" +
         std::string(rows.text(i, 3)) + ")";
}

}  // namespace

PostgresMonitor::PostgresMonitor(const std::string& url)
    : connection_(url, kStatement, kToAnswer, kToConnect) {}

std::map<std::string, std::string> PostgresMonitor::locks(std::span<const std::string> sessions) {
  ArrayText names;
  std::map<std::string, std::string> asked;  // by what Postgres keeps
  for (const std::string& session : sessions) {
    const std::string kept = session.substr(0, kLongestName);
    names.add(kept);
    asked[kept] = session;
  }
  std::map<std::string, std::string> waiting;
  if (sessions.empty()) {
    connection_.run("SELECT 1");
    return waiting;
  }
  const PgResult rows = connection_.run(kLocks, {names.text()});
  for (int i = 0; i < rows.rows(); ++i) {
    const std::string& session = asked[std::string(rows.text(i, 0))];
    waiting.emplace(session, told(rows, i, since(session, rows, i)));
  }
  return waiting;
}

const std::string& PostgresMonitor::since(const std::string& session, const PgResult& rows, int i) {
  const auto now = std::chrono::steady_clock::now();
  std::string for_what(rows.text(i, 1));
  for (const int of_holder : {3, 6}) (for_what += '/') += rows.text(i, of_holder);
  Wait& wait = waits_[session];
  if (wait.for_what != for_what || now - wait.seen > kBetweenFlushes) {
    wait = {std::move(for_what), std::string(rows.text(i, 2)), now};
  }
  wait.seen = now;
  return wait.since;
}

void PostgresMonitor::speak_for(std::string_view projection, int generation,
                                std::span<const LogProgress> progress) {
  write_heartbeats(connection_, std::string(projection), std::to_string(generation), progress);
}

std::vector<UnownedPartition> PostgresMonitor::unowned(std::span<const std::string> projections) {
  ArrayText names;
  for (const std::string& projection : projections) names.add(projection);
  const PgResult rows = connection_.run(
      "SELECT f.projection, g.generation, f.partition, f.position, f.log_end, "
      "(1000 * f.freshness_seconds)::bigint, coalesce(f.built, ''), f.owned, "
      "CASE WHEN f.owner LIKE '%:%' THEN 'process ' || split_part(f.owner, ':', 2) || ' on ' "
      "|| split_part(f.owner, ':', 1) ELSE '' END FROM sluice.freshness f "
      "JOIN sluice.projection g ON g.projection = f.projection AND g.live "
      "WHERE f.projection = ANY ($1::text[]) AND (NOT f.owned OR f.trouble <> '') ORDER BY 1, 3",
      {names.text()});
  std::vector<UnownedPartition> all;
  for (int i = 0; i < rows.rows(); ++i) {
    all.push_back({std::string(rows.text(i, 0)), static_cast<int>(rows.number(i, 1)),
                   Partition{static_cast<std::int32_t>(rows.number(i, 2))},
                   Offset{rows.number(i, 3)}, Offset{rows.number(i, 4)}});
    if (!rows.null(i, 5)) all.back().freshness = milliseconds{rows.number(i, 5)};
    all.back().built = rows.text(i, 6);
    all.back().owned = rows.text(i, 7) == "t";
    all.back().had_by = rows.text(i, 8);
  }
  return all;
}

std::vector<GenerationSeen> PostgresMonitor::generations(std::span<const std::string> projections) {
  ArrayText names;
  for (const std::string& projection : projections) names.add(projection);
  const PgResult rows = connection_.run(
      "SELECT projection, generation, version, status, coalesce(share, 1) FROM sluice.projection "
      "WHERE projection = ANY ($1::text[]) ORDER BY 1, 2",
      {names.text()});
  std::vector<GenerationSeen> all;
  all.reserve(static_cast<std::size_t>(rows.rows()));
  for (int i = 0; i < rows.rows(); ++i) {
    all.push_back({std::string(rows.text(i, 0)), static_cast<int>(rows.number(i, 1)),
                   static_cast<int>(rows.number(i, 2)), std::string(rows.text(i, 3)),
                   std::stod(std::string(rows.text(i, 4)))});
  }
  return all;
}

}  // namespace sluice

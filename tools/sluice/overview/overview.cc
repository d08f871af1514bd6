#include "tools/sluice/overview/overview.h"

#include <algorithm>

#include "storage/base/json_writer.h"
#include "tools/sluice/node/vitals_json.h"

namespace sluice {
namespace {

// A process that is there has renewed its row within the last two seconds.
const std::string kProcessesHeard =
    "(SELECT * FROM sluice.process WHERE seen_at > now() - interval '10 s')";

std::string rfc3339_of(const std::string& time) {
  return "to_char(" + time + R"( AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))";
}

// For people, who need no more of it.
std::string in_seconds(const std::string& number, int digits) {
  return "to_char(" + number + ", 'FM999999990." + std::string(digits, '0') + "') || ' s'";
}

// What only the owner knows counts as long as it is the owner that said it.
const std::string kPartitions =
    "SELECT f.projection, f.partition, g.generation, g.live, f.position, "
    // The end that an owner who is gone saw last is not where the log ends.
    "CASE WHEN f.owned OR f.lag IS NOT NULL THEN f.log_end END AS log_end, f.lag, " +
    rfc3339_of("f.record_time") + " AS record_time, f.age, f.owned, f.freshness_seconds, " +
    in_seconds("f.freshness_seconds", 1) + " AS freshness, " +
    in_seconds("(v.told->>'flush_seconds')::float8", 3) +
    " AS flush, "
    "round((v.told->>'events_a_second')::numeric, 1) AS events_a_second, "
    "(v.told->>'dirty_rows')::bigint AS dirty_rows, "
    "(v.told->>'dirty_bytes')::bigint AS dirty_bytes, "
    "(v.told->>'flush_seconds')::float8 AS flush_seconds, "
    "CASE WHEN f.owned THEN jsonb_build_object('host', split_part(f.owner, ':', 1), 'pid', "
    "nullif(split_part(f.owner, ':', 2), '')::bigint, 'since', " +
    rfc3339_of("f.claimed_at") +
    ") END AS owner, nullif(f.trouble, '') AS trouble, f.note, v.told->'began' AS began, "
    "CASE WHEN f.owned THEN split_part(f.owner, ':', 1) || ':' || split_part(f.owner, ':', 2) "
    "ELSE '' END AS process "
    "FROM sluice.freshness f JOIN sluice.projection g ON g.projection = f.projection AND g.live "
    "LEFT JOIN " +
    kProcessesHeard +
    " AS p ON f.owned AND p.instance = split_part(f.owner, '/', 1) "
    "LEFT JOIN LATERAL (SELECT told FROM jsonb_array_elements(p.vitals->'partitions') AS told "
    "WHERE told->>'projection' = f.projection AND (told->>'partition')::integer = f.partition "
    "AND told->>'owner' = f.owner LIMIT 1) AS v ON true ORDER BY f.projection, f.partition";
const std::string kGenerations =
    "SELECT projection, generation, version, status, phase, live FROM sluice.projection "
    "ORDER BY 1, 2";
const std::string kComputations =
    "SELECT projection, partition, due, computing, failing, oldest_due, published, "
    "published_age, " +
    in_seconds("extract(epoch FROM oldest_due)", 1) + " AS oldest, " +
    in_seconds("extract(epoch FROM published_age)", 1) +
    " AS published_ago FROM sluice.computation ORDER BY 1, 2";
const std::string kRejected =
    "SELECT projection, r.reason, count(*) AS rejected FROM sluice.rejection r "
    "JOIN sluice.projection g USING (projection, generation) WHERE g.live "
    "GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2";
const std::string kQuarantined =
    "SELECT projection, partition, count(*) AS quarantined, "
    "count(*) FILTER (WHERE beyond_limit) AS beyond_limit FROM sluice.quarantine "
    "JOIN sluice.projection g USING (projection, generation) WHERE g.live "
    "GROUP BY 1, 2 ORDER BY 1, 2";
const std::string kAudit =
    "SELECT a.projection, a.partition, a.proved_to, " + rfc3339_of("a.finished_at") +
    " AS finished_at, a.differences, a.round, a.rows, a.large_keys, " + rfc3339_of("a.seen_at") +
    " AS seen_at FROM sluice.audit a JOIN sluice.projection g USING (projection, generation) "
    "WHERE g.live ORDER BY 1, 2";
const std::string kTroubles =
    "SELECT projection, partition, trouble FROM sluice.freshness WHERE trouble <> '' UNION ALL "
    "SELECT projection, partition, count(*) || ' records wait under keys beyond --parked-limit, "
    "without their bytes here: sluice quarantine list says what they wait behind; edit, release or "
    "discard that' FROM sluice.quarantine JOIN sluice.projection g USING (projection, generation) "
    "WHERE g.live AND beyond_limit GROUP BY 1, 2 UNION ALL "
    "SELECT projection, NULL, 'generation ' || generation || ' is ready and could not be promoted, "
    "which is tried again: ' || reason FROM sluice.projection "
    "WHERE promotes_itself AND status = 'ready' AND reason IS NOT NULL UNION "
    "SELECT w.key, NULL, w.value FROM " +
    kProcessesHeard +
    " AS p CROSS JOIN LATERAL jsonb_each_text(p.vitals->'waits') AS w UNION "
    "SELECT NULL, NULL, 'snapshots are not made by process ' || p.pid || ' on ' || p.host || ': ' "
    "|| (p.vitals->>'snapshots') FROM " +
    kProcessesHeard + " AS p WHERE p.vitals->>'snapshots' <> '' ORDER BY 1, 2";
const std::string kNotes =
    "SELECT projection, note FROM sluice.freshness WHERE note IS NOT NULL GROUP BY 1, 2 ORDER BY 1";
const std::string kProcesses =
    "SELECT host, pid, version, " + rfc3339_of("since") + " AS since, " + rfc3339_of("seen_at") +
    " AS seen_at, vitals->'memory' AS memory, vitals->'rocksdb' AS rocksdb, "
    "vitals->'kafka' AS kafka, vitals->'postgres' AS postgres, "
    "pg_size_pretty((vitals#>>'{memory,resident}')::bigint) AS resident, "
    "pg_size_pretty((vitals#>>'{memory,number}')::bigint) AS of_memory FROM " +
    kProcessesHeard + " AS p ORDER BY p.since, p.instance";

const std::vector<std::string> kPartitionKeys{
    "projection", "partition",         "generation",    "live",  "position", "log_end",
    "lag",        "freshness_seconds", "record_time",   "age",   "owned",    "events_a_second",
    "dirty_rows", "dirty_bytes",       "flush_seconds", "owner", "trouble",  "note",
    "began"};
const std::vector<std::string> kPartitionTable{
    "projection", "partition",       "generation", "position", "log_end", "lag",
    "freshness",  "events_a_second", "dirty_rows", "flush",    "process", "record_time"};
const std::vector<std::string> kComputationKeys{"projection", "partition",    "due",
                                                "computing",  "failing",      "oldest_due",
                                                "published",  "published_age"};
const std::vector<std::string> kComputationTable{"projection", "partition",    "due",
                                                 "computing",  "failing",      "oldest",
                                                 "published",  "published_ago"};
const std::vector<std::string> kProcessKeys{"host",   "pid",     "version", "since",   "seen_at",
                                            "memory", "rocksdb", "kafka",   "postgres"};
const std::vector<std::string> kProcessTable{"host",  "pid",      "version",
                                             "since", "resident", "of_memory"};

// For people: what is the same of several partitions is said once, of "0, 1, 3".
Answer together(const Answer& troubles) {
  const std::size_t projection = troubles.column("projection");
  const std::size_t partition = troubles.column("partition");
  const std::size_t trouble = troubles.column("trouble");
  Answer all{troubles.columns, {}};
  for (const auto& row : troubles.rows) {
    const auto same = std::ranges::find_if(all.rows, [&](const auto& other) {
      return other[projection] == row[projection] && other[trouble] == row[trouble] &&
             other[partition].has_value() == row[partition].has_value();
    });
    if (same == all.rows.end()) {
      all.rows.push_back(row);
    } else if (row[partition]) {
      *(*same)[partition] += ", " + *row[partition];
    }
  }
  return all;
}

std::string postgres_json(const PostgresVitals& postgres) {
  JsonWriter json;
  json.begin_object();
  write_postgres(json, postgres);
  return json.end_object().take();
}

}  // namespace

bool Overview::all_is_well() const {
  const std::size_t lag = partitions.column("lag");
  return troubles.rows.empty() && std::ranges::all_of(partitions.rows, [&](const auto& row) {
           return row[lag].has_value();
         });
}

std::string Overview::json() const {
  JsonWriter json;
  json.begin_object();
  json.name("partitions").json(partitions.only(kPartitionKeys).json());
  json.name("generations").json(generations.json());
  json.name("computations").json(computations.only(kComputationKeys).json());
  json.name("troubles").json(troubles.json());
  json.name("rejected").json(rejected.json());
  json.name("quarantined").json(quarantined.json());
  json.name("audit").json(audit.json());
  json.name("processes").json(processes.only(kProcessKeys).json());
  json.name("postgres").json(postgres_json(postgres));
  return json.end_object().take();
}

std::string Overview::text() const {
  std::string text = partitions.only(kPartitionTable).table();
  if (!notes.rows.empty()) text += "\n" + notes.table();
  if (!processes.rows.empty()) text += "\n" + processes.only(kProcessTable).table();
  if (!computations.rows.empty()) text += "\n" + computations.only(kComputationTable).table();
  if (!troubles.rows.empty()) text += "\n" + together(troubles).table();
  if (!rejected.rows.empty()) text += "\n" + rejected.table();
  if (!quarantined.rows.empty())
    text += "\n" + quarantined.table() + "see: sluice quarantine list\n";
  const std::size_t differences = audit.column("differences");
  const bool differ = std::ranges::any_of(
      audit.rows, [&](const auto& row) { return row[differences].value_or("0") != "0"; });
  if (differ) text += "\n" + audit.table() + "see: sluice doctor\n";
  return text;
}

Overview look_over(Database& database, AskedLog* log) {
  Overview all{.partitions = database.ask(kPartitions),
               .generations = database.ask(kGenerations),
               .computations = database.ask(kComputations),
               .troubles = database.ask(kTroubles),
               .notes = database.ask(kNotes),
               .rejected = database.ask(kRejected),
               .quarantined = database.ask(kQuarantined),
               .audit = database.ask(kAudit),
               .processes = database.ask(kProcesses),
               .postgres = database.vitals()};
  if (log != nullptr) log->complete(all.partitions, all.troubles);
  return all;
}

}  // namespace sluice

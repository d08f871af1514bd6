// Processes among each other, and what the log does to them.

#include "storage/base/json_writer.h"
#include "storage/postgres/generation_tables.h"
#include "tools/sluice/doctor/process_findings.h"
#include "tools/sluice/node/published.h"

namespace sluice {
namespace {

// Partitions that a process tells of, as "deliberation:3" or "deliberation.g2:3".
const std::string kUnsettled = R"sql(
  WITH unsettled AS (
    SELECT h.host, h.pid, h.instance, u->>'partition' AS partition, (u->>'fenced')::bigint AS fenced,
           (u->>'rebalances')::bigint AS rebalances
    FROM asked a, heard h CROSS JOIN LATERAL jsonb_array_elements(h.vitals->'unsettled') AS u
    WHERE regexp_replace(u->>'partition', '(\.g[0-9]+)?:[0-9]+$', '') = ANY (a.projections)
  ))sql";

// One that was killed and started again leaves its old row for a while, which was not renewed
// since. A partition is fenced once when it changes hands; by two that both think it theirs, each
// time that one of them takes it back.
const std::string kTwin = kUnsettled + R"sql(
  SELECT format('Process %s on %s and process %s on %s run on copies of one data folder (%s): each '
                'takes the other''s partitions', a.pid, a.host, b.pid, b.host,
                a.vitals->>'folder'),
         jsonb_build_object('folder', a.vitals->>'folder', 'pid', a.pid, 'host', a.host,
                            'path', a.vitals#>'{disk,path}', 'other_pid', b.pid,
                            'other_host', b.host, 'other_path', b.vitals#>'{disk,path}'),
         greatest(a.since, b.since),
         CASE WHEN a.since < b.since THEN format('kill %s  # on %s', b.pid, b.host)
              ELSE format('kill %s  # on %s', a.pid, a.host) END
  FROM heard a JOIN heard b ON a.vitals->>'folder' = b.vitals->>'folder' AND a.instance < b.instance
  WHERE a.seen_at > b.since AND b.seen_at > a.since
  UNION ALL
  SELECT format('Processes take %s from each other: it was fenced %s times in the last minute',
                u.partition, sum(u.fenced)),
         jsonb_build_object('partition', u.partition, 'fenced', sum(u.fenced), 'processes',
                            jsonb_agg(jsonb_build_object('host', u.host, 'pid', u.pid,
                                                         'fenced', u.fenced))),
         now() - interval '1 min',
         format('kill %s  # on %s', (array_agg(u.pid ORDER BY u.instance DESC))[1],
                (array_agg(u.host ORDER BY u.instance DESC))[1])
  FROM unsettled u GROUP BY u.partition HAVING sum(u.fenced) >= 10
)sql";

// Three times what one member costs that comes and goes: each of its workers joins by itself, and a
// partition may be taken and given for each, there and back.
const std::string kRebalancing = kUnsettled + R"sql(
  SELECT format('The log has given partitions to process %s on %s and taken them %s times in the last '
                '5 minutes: members of the group come and go', u.pid, u.host, sum(u.rebalances)),
         jsonb_build_object('host', u.host, 'pid', u.pid, 'rebalances', sum(u.rebalances),
                            'partitions', jsonb_object_agg(u.partition, u.rebalances)),
         now() - interval '5 min', 'sluice status)sql" +
                                 std::string(kPostgresFlagSql) + R"sql( --watch'
  FROM unsettled u GROUP BY u.host, u.pid, u.instance HAVING max(u.rebalances) >= 12
)sql";

const std::string kThrottled = R"sql(
  SELECT format('A broker puts off its answers to process %s on %s by %s ms: a quota is used up',
                h.pid, h.host, round(1000 * k.seconds)),
         jsonb_build_object('host', h.host, 'pid', h.pid, 'throttled_seconds', k.seconds,
                            'fetched_records', h.vitals#>'{kafka,fetched_records}'),
         NULL::timestamptz,
         coalesce('kafka-configs.sh --bootstrap-server ' || )sql" +
                               shell_word_sql("(h.vitals->>'brokers')") + R"sql(
                  || ' --describe --entity-type clients', 'sluice status)sql" +
                               std::string(kPostgresFlagSql) + R"sql(')
  FROM heard h
  CROSS JOIN LATERAL (SELECT (h.vitals#>>'{kafka,throttled_seconds}')::numeric AS seconds) AS k
  WHERE k.seconds >= 0.1
)sql";

// Side by side for longer than a rolling restart takes.
const std::string kVersions = R"sql(
  SELECT format('Processes of %s versions of the program project side by side, the newest for %s '
                'minutes', count(DISTINCT h.version),
                (extract(epoch FROM now() - max(h.since)) / 60)::bigint),
         jsonb_build_object('processes', jsonb_agg(jsonb_build_object(
           'host', h.host, 'pid', h.pid, 'version', h.version, 'since', h.since)
           ORDER BY h.since)),
         max(h.since),
         format('kill %s  # on %s, then start it with the version of the others',
                (array_agg(h.pid ORDER BY h.since))[1], (array_agg(h.host ORDER BY h.since))[1])
  FROM heard h HAVING count(DISTINCT h.version) > 1 AND max(h.since) < now() - interval '10 min'
)sql";

// A generation is folded by who has rules of its version. For readers it stands still without,
// unless the next one is built meanwhile. A process that has just begun makes that first. Where all
// have older rules somebody has started an older program: then it is no use to make or to take away
// a generation.
const std::string kRules =
    R"sql(
  SELECT format('Generation %s of %s (%s) is by version %s of the rules, and the processes that '
                'project %s have version %s: nobody folds it%s', g.generation, g.projection,
                g.status, g.version, g.projection, string_agg(DISTINCT v.version, ', '),
                CASE WHEN max(v.version::bigint) < g.version
                     THEN ', since they are of an older program than '
                          || CASE WHEN g.live THEN 'the one whose rows readers see'
                                  ELSE 'the one that builds it' END ELSE '' END),
         jsonb_build_object('projection', g.projection, 'generation', g.generation,
                            'status', g.status, 'version', g.version, 'processes', jsonb_agg(
                              jsonb_build_object('host', h.host, 'pid', h.pid,
                                                 'version', v.version::bigint))),
         max(h.since),
         CASE WHEN max(v.version::bigint) < g.version AND NOT g.live
              THEN format('sluice generations %s%s  # start the program of version %s of the rules, '
                          'which builds it on', g.projection, ')sql" +
    std::string(kPostgresFlagSql) + R"sql(', g.version)
              WHEN max(v.version::bigint) < g.version
              THEN format('kill %s  # on %s, then start the program of version %s of the rules of %s',
                          (array_agg(h.pid ORDER BY h.since DESC))[1],
                          (array_agg(h.host ORDER BY h.since DESC))[1], g.version, g.projection)
              WHEN g.live THEN 'sluice rebuild ' || g.projection || ')sql" +
    std::string(kPostgresFlagSql) + R"sql('
              ELSE format('sluice retire %s --generation %s', g.projection, g.generation) || ')sql" +
    std::string(kPostgresFlagSql) + R"sql(' END
  FROM asked a JOIN sluice.projection g ON g.projection = ANY (a.projections)
  JOIN heard h ON h.vitals->'rules' ? g.projection
  CROSS JOIN LATERAL (SELECT h.vitals->'rules'->>g.projection AS version) AS v
  WHERE g.status IN ('live', 'building', 'ready')
  GROUP BY g.projection, g.generation
  HAVING NOT bool_or(v.version = g.version::text) AND max(h.since) < now() - interval '10 s'
    AND coalesce(g.made_at, '-infinity') < now() - interval '10 s'
    AND NOT (g.live AND EXISTS (
      SELECT FROM sluice.projection n JOIN heard p
        ON p.vitals->'rules'->>n.projection = n.version::text
      WHERE n.projection = g.projection AND n.status IN ('building', 'ready')))
)sql";

// Of a partition that is folded and lags all the same: one that stands still has another cause.
const std::string kHotKey = R"sql(
  SELECT format('Key %s has %s %% of what %s partition %s is given, which is %s s behind: a key is one '
                'partition, and that is one core', k.key, round(100 * k.share), f.projection,
                f.partition, round(f.freshness_seconds::numeric, 1)),
         jsonb_build_object('projection', f.projection, 'partition', f.partition, 'key', k.key,
                            'share', k.share, 'sampled', t.told#>'{hottest,sampled}',
                            'events_a_second', t.told->'events_a_second', 'lag', f.lag,
                            'flush_seconds', t.told->'flush_seconds',
                            'freshness_seconds', f.freshness_seconds, 'host', h.host,
                            'pid', h.pid),
         now() - f.freshness_seconds * interval '1 s',
         'sluice status)sql" +
                            std::string(kPostgresFlagSql) +
                            R"sql( --watch'
  FROM asked a JOIN sluice.freshness f ON f.projection = ANY (a.projections)
  JOIN heard h ON h.instance = split_part(f.owner, '/', 1)
  CROSS JOIN LATERAL (
    SELECT each AS told FROM jsonb_array_elements(h.vitals->'partitions') AS each
    WHERE each->>'owner' = f.owner AND each->>'projection' = f.projection
      AND (each->>'partition')::integer = f.partition LIMIT 1) AS t
  CROSS JOIN LATERAL (SELECT t.told#>>'{hottest,key}' AS key,
                             (t.told#>>'{hottest,share}')::numeric AS share) AS k
  WHERE f.owned AND f.trouble = '' AND f.lag > 0 AND f.freshness_seconds >= 5
    AND k.share IS NOT NULL
)sql";

// The program that asks: what it advises is typed with it.
std::string older_program() {
  JsonWriter rules;
  rules.begin_object();
  for (const auto& [projection, version] : rules_of(projections()))
    rules.field(projection, version);
  return R"sql(
  SELECT format('This program has version %s of the rules of %s, and what readers see (generation %s) is '
                'by version %s: it is older than that', p.rules->>g.projection, g.projection,
                g.generation, g.version),
         jsonb_build_object('projection', g.projection, 'generation', g.generation,
                            'version', g.version,
                            'program', (p.rules->>g.projection)::bigint),
         NULL::timestamptz,
         format('sluice doctor %s%s  # by the program that has version %s of the rules',
                g.projection, ')sql" +
         std::string(kPostgresFlagSql) + R"sql(', g.version)
  FROM asked a JOIN sluice.projection g ON g.projection = ANY (a.projections) AND g.live
  CROSS JOIN (SELECT )sql" +
         sql_literal(rules.end_object().take()) + R"sql(::jsonb AS rules) AS p
  WHERE (p.rules->>g.projection)::bigint < g.version
    -- Where only older ones project that is said of them.
    AND (NOT EXISTS (SELECT FROM heard h WHERE h.vitals->'rules' ? g.projection)
         OR EXISTS (SELECT FROM heard h
                    WHERE h.vitals->'rules'->>g.projection = g.version::text)))sql";
}

}  // namespace

void find_among_processes(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) {
  ask(postgres, scope, {"twin", kTwin}, diagnosis);
  ask(postgres, scope, {"rebalancing", kRebalancing}, diagnosis);
  ask(postgres, scope, {"throttled", kThrottled}, diagnosis);
  ask(postgres, scope, {"version", kVersions}, diagnosis);
  ask(postgres, scope, {"version", kRules}, diagnosis);
  ask(postgres, scope, {"version", older_program()}, diagnosis);
  ask(postgres, scope, {"hot_key", kHotKey}, diagnosis);
}

}  // namespace sluice

// Generations, owners and quarantine.

#include <algorithm>

#include "storage/postgres/sql_text.h"
#include "tools/sluice/doctor/projection_findings.h"

namespace sluice {
namespace {

// What a swap leaves for going back, or what nobody promoted: kept for a day without a word.
const std::string kGenerationLeft = R"sql(
  WITH left_over AS (
    SELECT g.projection, g.generation, g.status, g.version, g.reason, g.promotes_itself,
           CASE WHEN g.status = 'standing' THEN coalesce(greatest(l.promoted_at, g.promoted_at), g.made_at)
                ELSE g.made_at END AS since,
           -- All who project have older rules: it is another program's to decide on.
           (SELECT max((h.vitals->'rules'->>g.projection)::bigint) FROM heard h) < g.version
             AS by_newer,
           (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = g.projection || '_g' || g.generation AND c.relkind = 'r')::bigint
             AS bytes
    FROM asked a JOIN sluice.projection g ON g.projection = ANY (a.projections)
    LEFT JOIN sluice.projection l ON l.projection = g.projection AND l.live
    WHERE g.status IN ('standing', 'ready', 'failed')
  )
  SELECT CASE WHEN x.status = 'ready' AND x.reason IS NOT NULL
              THEN format('Generation %s of %s is ready and cannot be promoted: %s', x.generation,
                          x.projection, x.reason)
              ELSE format('Generation %s of %s is %s since %s: it takes %s, and is %s', x.generation,
                          x.projection, x.status,
                          to_char(x.since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI"Z"'),
                          pg_size_pretty(x.bytes),
                          CASE x.status WHEN 'failed' THEN 'of no use (' || coalesce(x.reason, '')
                            || ')' ELSE 'folded beside the live one where its program runs' END)
              END,
         jsonb_build_object('projection', x.projection, 'generation', x.generation,
                            'status', x.status, 'version', x.version, 'bytes', x.bytes,
                            'reason', x.reason),
         x.since,
         CASE WHEN x.status = 'ready' THEN 'sluice promote ' || x.projection
              ELSE format('sluice retire %s --generation %s', x.projection, x.generation) END
           || ')sql" + std::string(kPostgresFlagSql) +
                                    R"sql('
           || CASE WHEN x.by_newer AND x.status <> 'failed'
                   THEN format('  # those who project %s are of an older program than it: start that of '
                               'version %s of the rules first', x.projection, x.version) ELSE '' END
  FROM left_over x
  WHERE x.since < now() - interval '1 day'
     OR (x.status = 'ready' AND x.promotes_itself AND x.reason IS NOT NULL
         AND x.since < now() - interval '10 min')
)sql";

// Alike but for the numbers in them. Records that wait behind another of their key are not counted.
const std::string kQuarantineRepeats = R"sql(
  WITH parked AS (
    SELECT q.*, regexp_replace(q.reason, '[0-9]+', '#', 'g') AS alike
    FROM asked a JOIN sluice.projection g ON g.projection = ANY (a.projections) AND g.live
    JOIN sluice.quarantine q USING (projection, generation)
    WHERE q.reason NOT LIKE 'waits behind %'
  )
  SELECT format('%s records of %s are in quarantine for the same reason: %s', count(*), p.projection,
                min(p.reason)),
         jsonb_build_object('projection', p.projection, 'reason', min(p.reason),
                            'records', count(*), 'keys', count(DISTINCT p.key),
                            'partition', (array_agg(p.partition ORDER BY p.partition, p.position))[1],
                            'first_position', (array_agg(p.position ORDER BY p.partition, p.position))[1]),
         min(p.appended_at), 'sluice quarantine list)sql" +
                                       std::string(kPostgresFlagSql) + R"sql('
  FROM parked p GROUP BY p.projection, p.alike HAVING count(*) >= 3
  UNION ALL
  SELECT format('Key %s of %s was released %s times and is parked again: %s', p.key, p.projection,
                count(DISTINCT r.id), min(p.reason)),
         jsonb_build_object('projection', p.projection, 'key', p.key, 'partition',
                            min(p.partition), 'position', min(p.position),
                            'released', count(DISTINCT r.id), 'reason', min(p.reason)),
         min(p.appended_at), 'sluice quarantine list)sql" +
                                       std::string(kPostgresFlagSql) + R"sql('
  FROM parked p JOIN sluice.request r ON r.projection = p.projection
    AND r.kind = 'quarantine.release' AND r.argument->>'key' = p.key
  WHERE p.parks_key AND r.answer ? 'token' AND r.done_at < now() - interval '10 s'
  GROUP BY p.projection, p.key
)sql";

// Rows that are not what the log makes of them: which is first, where the user may see it. Another
// look at the key is the way to it, and to have it written anew.
const std::string kAuditDifferences =
    R"sql(
  WITH differing AS (
    SELECT u.projection, u.generation, u.partition, u.differences, d.table_name, d.key,
           d.column_name, d.what, d.found_in, d.partition_key, d.since,
           'sluice replay ' || u.projection || ' --key ' || )sql" +
    shell_word_sql("d.partition_key") +
    R"sql( AS replay, ' --postgres ' || a.postgres || a.log AS place
    FROM asked a JOIN sluice.projection g ON g.projection = ANY (a.projections) AND g.live
    JOIN sluice.audit u USING (projection, generation)
    LEFT JOIN LATERAL (
      SELECT * FROM sluice.audit_difference d WHERE d.projection = u.projection
        AND d.generation = u.generation AND d.partition = u.partition
      ORDER BY d.since, d.partition_key, d.table_name, d.key, d.column_name LIMIT 1) AS d ON true
    WHERE u.differences > 0
  )
  SELECT format('%s of %s partition %s %s not what the log makes of it, as two looks of the '
                'self-audit have found%s', CASE x.differences WHEN 1 THEN 'A row or a column'
                  ELSE x.differences || ' rows and columns' END, x.projection, x.partition,
                CASE x.differences WHEN 1 THEN 'is' ELSE 'are' END,
                coalesce(format('; first %s of table %s, key %s, is %s in the %s', CASE
                  WHEN x.column_name IS NULL THEN 'a row' ELSE 'column ' || x.column_name END,
                  x.table_name, x.key, x.what, x.found_in), '')),
         jsonb_build_object('projection', x.projection, 'generation', x.generation,
                            'partition', x.partition, 'differences', x.differences,
                            'table', x.table_name, 'key', x.key, 'column', x.column_name,
                            'what', x.what, 'found_in', x.found_in,
                            'partition_key', x.partition_key),
         x.since,
         coalesce(x.replay || ' --diff' || x.place || '  # and to have it written anew: ' || x.replay
                  || ' --repair' || x.place, 'sluice status)sql" +
    std::string(kPostgresFlagSql) + R"sql(')
  FROM differing x
)sql";

// The command that began the process `p`, whose row a process leaves that was killed. The URL of a
// private Postgres is nobody's to give.
const std::string kStartedBy = R"sql(
    CASE WHEN p.vitals ? 'command' THEN
      'sluice ' || (p.vitals->>'command') || ' --data ' || )sql" +
                               shell_word_sql("(p.vitals#>>'{disk,path}')") + R"sql(
      || coalesce(CASE p.vitals->>'command' WHEN 'up' THEN ' --log kafka' ELSE '' END
                  || ' --brokers ' || )sql" +
                               shell_word_sql("(p.vitals->>'brokers')") + R"sql(, '')
      || CASE WHEN EXISTS (SELECT FROM pg_settings s WHERE s.name = 'data_directory'
                           AND starts_with(s.setting, (p.vitals#>>'{disk,path}') || '/'))
              THEN '' ELSE ' --postgres ' || a.postgres END END)sql";

// Longer than a partition may have no owner in a rolling restart. Where all were let go of and no
// process is there, somebody has stopped the system: then only the log knows whether anything
// waits.
const std::string kUnowned = R"sql(
  WITH unowned AS (
    SELECT f.projection, f.partition, f.owner, f.silent, f.lag, f.trouble, f.freshness_seconds,
           coalesce(b.released, false) AS released,
           nullif(split_part(f.owner, ':', 1), '') AS host,
           nullif(split_part(f.owner, ':', 2), '') AS pid,
           -- Where its owner neither let go of it nor is heard, it is that one that hangs.
           CASE WHEN f.owner IS NULL OR f.owner = '' OR b.released
                  OR EXISTS (SELECT FROM heard h WHERE h.instance = split_part(f.owner, '/', 1))
                THEN (SELECT h.instance FROM heard h WHERE h.vitals->'rules' ? f.projection
                      ORDER BY h.instance <> split_part(f.owner, '/', 1), h.since LIMIT 1)
           END AS projected_by, )sql" +
                             kStartedBy + R"sql( AS started_by
    FROM asked a JOIN sluice.projection g ON g.projection = ANY (a.projections) AND g.live
    JOIN sluice.freshness f ON f.projection = g.projection
    LEFT JOIN sluice.heartbeat b ON b.projection = g.projection AND b.generation = g.generation
      AND b.partition = f.partition
    LEFT JOIN unheard p ON p.instance = split_part(f.owner, '/', 1)
    WHERE NOT f.owned AND f.note IS NULL AND NOT EXISTS (
        SELECT FROM heard h WHERE h.vitals->'rules' ? f.projection
          AND h.vitals->'rules'->>f.projection <> g.version::text)
      AND coalesce(f.silent, now() - g.made_at, '1 day') >= interval '15 s'
      AND coalesce(b.contender_at, '-infinity') < now() - interval '5 s'
  ), stopped AS (
    SELECT NOT EXISTS (SELECT FROM heard) AND coalesce(bool_and(u.released), false) AS by_hand
    FROM unowned u
  ))sql";

// Nobody who is heard projects it.
const std::string kNoOwner = kUnowned + R"sql(
  SELECT format('%s of %s %s no owner: nobody folds what comes (%s)',
                CASE count(*) WHEN 1 THEN 'Partition ' || min(u.partition)
                  ELSE count(*) || ' partitions' END, u.projection,
                CASE count(*) WHEN 1 THEN 'has' ELSE 'have' END, min(u.trouble)),
         jsonb_build_object('projection', u.projection,
                            'partitions', jsonb_agg(u.partition ORDER BY u.partition),
                            'silent_seconds', round(extract(epoch FROM min(u.silent))::numeric, 1),
                            'host', (array_agg(u.host))[1],
                            'pid', (array_agg(u.pid))[1]::bigint,
                            'freshness_seconds', max(u.freshness_seconds)),
         now() - min(u.silent),
         CASE WHEN bool_or(u.released) OR count(u.pid) = 0
              THEN coalesce(min(u.started_by), 'sluice status)sql" +
                             std::string(kPostgresFlagSql) + R"sql(  # '
                     || coalesce((SELECT format('process %s on %s does not project it', h.pid, h.host)
                                  FROM heard h ORDER BY h.seen_at DESC LIMIT 1), 'no process is heard')
                     || ': start sluice up or sluice project with ' || u.projection
                     || ' among its --domains')
              ELSE format('ps -o pid,stat,etime,args -p %s  # on %s; if it hangs: kill -9 %s',
                          (array_agg(u.pid))[1], (array_agg(u.host))[1], (array_agg(u.pid))[1])
                   || coalesce('; then: ' || min(u.started_by), '') END
  FROM asked a, stopped s, unowned u
  WHERE (NOT s.by_hand OR u.projection = ANY (a.waiting)) AND u.projected_by IS NULL
  GROUP BY u.projection
)sql";

// Whatever keeps the process from it (its log or its database, mostly) is the cause. Its /readyz
// and its log have it, as have the partitions that it does have.
const std::string kNotTaken = kUnowned + R"sql(
  SELECT format('%s of %s %s no owner: process %s on %s projects it, and has not taken %s',
                CASE count(*) WHEN 1 THEN 'Partition ' || min(u.partition)
                  ELSE count(*) || ' partitions' END, u.projection,
                CASE count(*) WHEN 1 THEN 'has' ELSE 'have' END, h.pid, h.host,
                CASE count(*) WHEN 1 THEN 'it' ELSE 'them' END),
         jsonb_build_object('projection', u.projection,
                            'partitions', jsonb_agg(u.partition ORDER BY u.partition),
                            'silent_seconds', round(extract(epoch FROM min(u.silent))::numeric, 1),
                            'host', h.host, 'pid', h.pid, 'kafka', h.vitals->'kafka',
                            'freshness_seconds', max(u.freshness_seconds)),
         now() - min(u.silent),
         CASE WHEN h.vitals->>'brokers' IS NOT NULL
              THEN 'sluice topics list --brokers ' || )sql" +
                              shell_word_sql("(h.vitals->>'brokers')") + R"sql(
                   || format('  # does a broker answer? If so, /readyz of process %s on %s says why',
                             h.pid, h.host)
              ELSE format('ps -o pid,stat,etime,args -p %s  # on %s; its /readyz says why', h.pid,
                          h.host) END
  FROM unowned u JOIN heard h ON h.instance = u.projected_by
  GROUP BY u.projection, h.pid, h.host, h.vitals
)sql";

constexpr const char* kStoppedByHand = R"sql(
  SELECT NOT EXISTS (SELECT FROM sluice.process WHERE seen_at > now() - interval '10 s')
    AND bool_and(b.released) AND bool_and(NOT f.owned)
  FROM sluice.freshness f JOIN sluice.projection g ON g.projection = f.projection AND g.live
  JOIN sluice.heartbeat b ON b.projection = g.projection AND b.generation = g.generation
    AND b.partition = f.partition
  WHERE f.projection = ANY ($1::text[]))sql";

// With an owner that says why, or one that lags and says nothing, or claimed in vain.
constexpr const char* kStanding = R"sql(
  SELECT f.projection, f.partition, f.position, coalesce(f.trouble, ''),
         jsonb_build_object('projection', f.projection, 'partition', f.partition,
                            'position', f.position, 'lag', f.lag,
                            'freshness_seconds', f.freshness_seconds, 'trouble', f.trouble,
                            'host', nullif(split_part(f.owner, ':', 1), ''),
                            'pid', nullif(split_part(f.owner, ':', 2), '')::bigint),
         CASE WHEN f.freshness_seconds > 0 THEN to_char(
           now() AT TIME ZONE 'UTC' - f.freshness_seconds * interval '1 s',
           'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') END,
         split_part(coalesce(f.owner, ''), ':', 1), split_part(coalesce(f.owner, ''), ':', 2)
  FROM sluice.freshness f JOIN sluice.projection g ON g.projection = f.projection AND g.live
  LEFT JOIN sluice.heartbeat b ON b.projection = g.projection AND b.generation = g.generation
    AND b.partition = f.partition
  WHERE f.projection = ANY ($1::text[])
    AND ((f.trouble <> '' AND (f.owned OR b.contender_at > now() - interval '5 s'))
         OR (f.owned AND f.lag > 0 AND f.freshness_seconds >= 30))
  ORDER BY 1, 2)sql";

}  // namespace

StandingPartitions::StandingPartitions(PgConnection& postgres, const Scope& scope)
    : standing_(look(postgres, scope)) {}

std::vector<StandingPartitions::Standing> StandingPartitions::look(PgConnection& postgres,
                                                                   const Scope& scope) {
  const PgResult rows = postgres.run(kStanding, {array_text(scope.projections)});
  std::vector<Standing> all;
  for (int i = 0; i < rows.rows(); ++i) {
    all.push_back({std::string(rows.text(i, 0)),
                   rows.number(i, 1),
                   rows.number(i, 2),
                   std::string(rows.text(i, 4)),
                   std::nullopt,
                   {std::string(rows.text(i, 3)), std::string(rows.text(i, 6)),
                    std::string(rows.text(i, 7))}});
    if (!rows.null(i, 5)) all.back().since = rows.text(i, 5);
  }
  return all;
}

void StandingPartitions::find_still(PgConnection& postgres, const Scope& scope,
                                    Diagnosis& diagnosis) const {
  std::vector<Standing> still = look(postgres, scope);
  std::erase_if(still, [this](const Standing& now) { return !stands_there(now); });
  while (!still.empty()) {
    const Standing first = still.front();
    std::string partitions;
    int count = 0;
    std::erase_if(still, [&](const Standing& each) {
      if (each.projection != first.projection || each.still.trouble != first.still.trouble ||
          each.still.pid != first.still.pid) {
        return false;
      }
      partitions += (count++ == 0 ? "" : ", ") + std::to_string(each.partition);
      return true;
    });
    const std::string& trouble = first.still.trouble;
    diagnosis.findings.push_back(
        {.code = "standing_still",
         .what = first.projection + (count == 1 ? " partition " : " partitions ") + partitions +
                 (count == 1 ? " stands still: " : " stand still: ") +
                 (trouble.empty() ? "its owner has records and folds none of them, and does not "
                                    "say why"
                                  : trouble),
         .evidence = "{\"partitions\": [" + partitions + "], " + first.evidence.substr(1),
         .since = first.since,
         .next = way_out(first.still, scope.place)});
  }
}

bool StandingPartitions::stands_there(const Standing& now) const {
  return std::ranges::any_of(standing_, [&](const Standing& before) {
    return before.projection == now.projection && before.partition == now.partition &&
           before.position == now.position;
  });
}

void find_in_projections(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) {
  ask(postgres, scope, {"generation_left", kGenerationLeft}, diagnosis);
  ask(postgres, scope, {"quarantine_repeats", kQuarantineRepeats}, diagnosis);
  ask(postgres, scope, {"audit_differences", kAuditDifferences}, diagnosis);
}

void find_unowned(PgConnection& postgres, const Scope& scope, bool log_asked,
                  Diagnosis& diagnosis) {
  ask(postgres, scope, {"no_owner", kNoOwner}, diagnosis);
  diagnosis.put_first("no_owner");
  ask(postgres, scope, {"no_owner", kNotTaken}, diagnosis);
  const PgResult stopped = postgres.run(kStoppedByHand, {array_text(scope.projections)});
  if (log_asked || stopped.text(0, 0) != "t") return;
  diagnosis.skipped.push_back(
      {"no_owner",
       "every process has let go of its partitions, as one does that is stopped: whether records "
       "wait the log knows, so give --data or --brokers"});
}

}  // namespace sluice

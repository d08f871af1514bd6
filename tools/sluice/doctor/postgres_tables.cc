// Tables that nobody keeps in order.

#include "tools/sluice/doctor/postgres_findings.h"

namespace sluice {
namespace {

// Of our tables. `due`: dead rows at which autovacuum comes. `off`: it never does. `pid`: the
// session whose snapshot is older than the last vacuum, which so could take nothing away. How long
// rows have been dead nobody knows: of what autovacuum has yet to come to in its turn, nothing is
// said.
const std::string kTables = R"sql(
  WITH holder AS (
    SELECT s.pid, s.usename, s.xact_start FROM asked a, pg_stat_activity s
    WHERE s.backend_xmin IS NOT NULL AND s.datname = current_database()
      AND s.backend_type = 'client backend' AND s.xact_start < clock_timestamp() - a.older
    ORDER BY age(s.backend_xmin) DESC LIMIT 1
  ), tables AS (
    SELECT t.schemaname || '.' || t.relname AS name, t.n_live_tup AS live, t.n_dead_tup AS dead,
           pg_relation_size(c.oid) AS bytes, v.vacuumed, h.pid, h.usename, h.xact_start,
           current_setting('autovacuum_vacuum_threshold')::bigint
             + current_setting('autovacuum_vacuum_scale_factor')::float8
               * greatest(c.reltuples, 0) AS due,
           EXISTS (SELECT FROM pg_options_to_table(c.reloptions) AS x
                   WHERE x.option_name = 'autovacuum_enabled' AND NOT x.option_value::boolean)
             AS off,
           NOT current_setting('autovacuum')::boolean OR NOT current_setting('track_counts')::boolean
             AS all_off
    FROM ours o JOIN pg_stat_user_tables t ON t.schemaname = o.schema
    JOIN pg_class c ON c.oid = t.relid
    CROSS JOIN LATERAL (SELECT greatest(t.last_vacuum, t.last_autovacuum) AS vacuumed) AS v
    LEFT JOIN holder h ON h.xact_start < v.vacuumed AND v.vacuumed > now() - interval '10 min'
    WHERE NOT EXISTS (SELECT FROM pg_stat_progress_vacuum p WHERE p.relid = c.oid)
  ))sql";

// A table of some pages may be all dead rows: reading it costs nothing.
const std::string kBloat = kTables + R"sql(
  SELECT format('Table %s has %s dead rows beside %s live ones in %s, and no vacuum takes them away: '
                'each scan reads past them', t.name, t.dead, t.live, pg_size_pretty(t.bytes)),
         jsonb_build_object('table', t.name, 'dead_rows', t.dead, 'live_rows', t.live,
                            'bytes', t.bytes, 'vacuumed_at', t.vacuumed, 'pid', t.pid),
         t.vacuumed, )sql" +
                           psql("'VACUUM (ANALYZE) ' || t.name") + R"sql(
  FROM tables t
  WHERE t.dead >= greatest(1000, t.live) AND t.bytes >= 1 << 19
    AND (t.off OR t.all_off OR t.pid IS NOT NULL)
)sql";

// Switched off, for all or for a table; or it comes and takes nothing away.
const std::string kAutovacuum =
    kTables + R"sql(
  SELECT 'Autovacuum is off for the whole server (autovacuum, track_counts): dead rows stay for good',
         jsonb_build_object('autovacuum', current_setting('autovacuum'),
                            'track_counts', current_setting('track_counts')),
         NULL::timestamptz, )sql" +
    psql("'ALTER SYSTEM RESET autovacuum'") +
    R"sql( || ' -c "ALTER SYSTEM RESET track_counts" -c "SELECT pg_reload_conf()"'
  WHERE NOT current_setting('autovacuum')::boolean OR NOT current_setting('track_counts')::boolean
  UNION ALL
  SELECT format('Autovacuum is off for table %s, which has %s dead rows beside %s live ones', t.name,
                t.dead, t.live),
         jsonb_build_object('table', t.name, 'dead_rows', t.dead, 'live_rows', t.live,
                            'vacuumed_at', t.vacuumed),
         t.vacuumed, )sql" +
    psql("'ALTER TABLE ' || t.name || ' RESET (autovacuum_enabled)'") +
    R"sql(
  FROM tables t WHERE t.off
  UNION ALL
  SELECT format('Table %s was vacuumed and still has %s dead rows, where %s are enough for '
                'autovacuum: process %s of Postgres (user %s) has a snapshot from before', t.name,
                t.dead, t.due::bigint, t.pid, t.usename),
         jsonb_build_object('table', t.name, 'dead_rows', t.dead, 'live_rows', t.live,
                            'due_at', t.due::bigint, 'vacuumed_at', t.vacuumed, 'pid', t.pid,
                            'user', t.usename),
         t.xact_start, )sql" +
    psql("'SELECT pg_terminate_backend(' || t.pid || ')'") + R"sql(
  FROM tables t
  WHERE NOT t.off AND NOT t.all_off AND t.pid IS NOT NULL AND t.dead >= greatest(10000, 2 * t.due)
)sql";

// One that is being built is not valid yet. What the schema has not is nobody's: what a CREATE
// INDEX CONCURRENTLY left that failed.
const std::string kIndexInvalid = R"sql(
  SELECT format('Index %s of table %s is not valid: no query uses it, and %s', x.index, x.table,
                CASE WHEN x.ready THEN 'every write pays for it' ELSE 'nothing keeps it' END),
         jsonb_build_object('index', x.index, 'table', x.table, 'unique', x.is_unique,
                            'bytes', x.bytes, 'definition', x.definition),
         NULL::timestamptz,
         CASE WHEN x.wanted THEN )sql" +
                                  psql("'REINDEX INDEX CONCURRENTLY ' || x.index") + " ELSE " +
                                  psql("'DROP INDEX CONCURRENTLY ' || x.index") + R"sql( END
  FROM (SELECT n.nspname || '.' || c.relname AS index, n.nspname || '.' || t.relname AS table,
               i.indisunique AS is_unique, i.indisready AS ready, pg_relation_size(c.oid) AS bytes,
               pg_get_indexdef(c.oid) AS definition,
               i.indisprimary OR o.schema = 'sluice'
                 OR coalesce(strpos(o.applied::text, '"' || c.relname || '"') > 0, false) AS wanted
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN ours o ON o.schema = n.nspname
        WHERE NOT (i.indisvalid AND i.indisready) AND NOT EXISTS (
          SELECT FROM pg_stat_progress_create_index p
          WHERE p.index_relid = c.oid OR (p.relid = t.oid AND p.command LIKE '%CONCURRENTLY'))) AS x
)sql";

}  // namespace

void find_in_tables(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) {
  ask(postgres, scope, {"bloat", kBloat}, diagnosis);
  ask(postgres, scope, {"autovacuum", kAutovacuum}, diagnosis);
  ask(postgres, scope, {"index_invalid", kIndexInvalid}, diagnosis);
}

}  // namespace sluice

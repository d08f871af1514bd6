#include "tools/sluice/engine_lock.h"

namespace sluice {

std::optional<EngineLock> engine_lock(PgConnection& postgres, std::chrono::milliseconds older) {
  const PgResult found = postgres.run(
      R"sql(
SELECT a.pid,
       jsonb_build_object('pid', a.pid, 'user', a.usename, 'application', a.application_name,
                          'client', host(a.client_addr), 'state', a.state,
                          'query', left(a.query, 200), 'table', n.nspname || '.' || c.relname,
                          'lock', l.mode, 'seconds', round(extract(epoch FROM s.age)::numeric, 1)),
       to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       format('Process %s of Postgres (%s, user %s), %s, has locked %s%s, which all who ask about '
              'views or write them wait for', a.pid,
              coalesce(nullif(a.application_name, ''), 'unnamed'), a.usename,
              coalesce(a.state, 'in an unknown state'), n.nspname || '.' || c.relname,
              ' for ' || extract(epoch FROM s.age)::bigint || ' s')
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'v')
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'sluice'
JOIN pg_stat_activity a ON a.pid = l.pid
CROSS JOIN LATERAL (SELECT clock_timestamp() - a.xact_start AS age) AS s
WHERE l.granted AND l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND a.pid <> pg_backend_pid() AND coalesce(s.age >= $1::double precision * interval '1 ms', true)
ORDER BY a.xact_start LIMIT 1)sql",
      {std::to_string(older.count())});
  if (found.rows() == 0) return std::nullopt;
  EngineLock lock{std::string(found.text(0, 0)), std::string(found.text(0, 1)), std::nullopt,
                  std::string(found.text(0, 3))};
  if (!found.null(0, 2)) lock.since = found.text(0, 2);
  return lock;
}

}  // namespace sluice

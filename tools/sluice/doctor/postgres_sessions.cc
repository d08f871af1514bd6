// Sessions of Postgres that are in the way of others, or too many.

#include "tools/sluice/doctor/postgres_findings.h"

namespace sluice {
namespace {

// A session of ours, whose name ends as its process's instance does. While that process is not
// heard of, what the session keeps is no matter of the session.
const std::string kHung = R"sql(
  LEFT JOIN unheard u ON h.application_name LIKE 'sluice %' AND
    substring(u.instance FROM '[^:]+$') = substring(h.application_name FROM '[^ ]+$'))sql";

// Of `h` and `u`, as sentences begin.
const std::string kWho = R"sql(
  CASE WHEN u.pid IS NULL
       THEN format('Process %s of Postgres (%s, user %s)', h.pid,
                   coalesce(nullif(h.application_name, ''), 'unnamed'), h.usename)
       ELSE format('sluice process %s on %s hangs or is cut off: it was heard of last %s s ago, and '
                   'its session with Postgres (process %s there)', u.pid, u.host,
                   extract(epoch FROM clock_timestamp() - u.seen_at)::bigint, h.pid) END)sql";

const std::string kEvidence = R"sql(
  jsonb_build_object('pid', h.pid, 'user', h.usename, 'application', h.application_name,
                     'client', host(h.client_addr), 'state', h.state,
                     'query', left(h.query, 200), 'sluice_process', u.pid, 'host', u.host))sql";

const std::string kEnd =
    " CASE WHEN u.pid IS NULL THEN " + psql("'SELECT pg_terminate_backend(' || h.pid || ')'") +
    " ELSE format('ps -o pid,stat,etime,args -p %s  # on %s; if it hangs: kill -9 %s, which ends "
    "its sessions, too', u.pid, u.host, u.pid) END";

// Who is in the way: somebody waits for it now; or it is idle in a transaction and has a lock that
// a flush or a reader would wait for, since a flush that waited in vain comes back only later. Of a
// queue only the first is named. Locks by strength: a session may have several on a table.
const std::string kLockHolder = R"sql(
  WITH strength AS (
    SELECT ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock',
                 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']
             AS modes
  ), waiting AS (
    SELECT a.pid, left(a.query, 200) AS query, b.holder,
           (SELECT min(l.waitstart) FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted) AS since,
           (SELECT min(l.relation) FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted) AS relation
    FROM pg_stat_activity a CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS b(holder)
    WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'
  ), queues AS (
    SELECT holder, count(DISTINCT pid) AS waiting, min(since) AS since, min(relation) AS relation,
           (array_agg(pid ORDER BY since))[1] AS first_pid,
           (array_agg(query ORDER BY since))[1] AS first_query
    FROM waiting WHERE holder NOT IN (SELECT pid FROM waiting) GROUP BY holder
  ), held AS (
    SELECT DISTINCT ON (l.pid) l.pid, n.nspname || '.' || c.relname AS relation, l.mode,
           array_position(s.modes, l.mode) AS strength
    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'v')
    JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN strength s
    LEFT JOIN queues q ON q.holder = l.pid
    WHERE l.granted AND l.locktype = 'relation' AND l.database = (
        SELECT oid FROM pg_database WHERE datname = current_database())
      AND (EXISTS (SELECT FROM ours o WHERE n.nspname IN (o.schema, o.projection)))
    ORDER BY l.pid, c.oid IS NOT DISTINCT FROM q.relation DESC,
             array_position(s.modes, l.mode) DESC, 2
  )
  SELECT format('%s, %s, has %s on %s in a transaction of %s s, for which %s wait', )sql" +
                                kWho + R"sql(,
                h.state, l.mode, l.relation, extract(epoch FROM s.age)::bigint,
                CASE coalesce(q.waiting, 0) WHEN 0 THEN 'whoever writes or reads there will'
                  WHEN 1 THEN 'one session does' ELSE q.waiting || ' sessions' END),
         )sql" + kEvidence + R"sql( || jsonb_build_object(
                            'table', l.relation, 'lock', l.mode,
                            'seconds', round(extract(epoch FROM s.age)::numeric, 1),
                            'waiting', coalesce(q.waiting, 0), 'waiting_pid', q.first_pid,
                            'waiting_query', q.first_query),
         coalesce(h.xact_start, q.since), )sql" +
                                kEnd + R"sql(
  FROM asked a CROSS JOIN pg_stat_activity h JOIN held l ON l.pid = h.pid
  LEFT JOIN queues q ON q.holder = h.pid )sql" +
                                kHung + R"sql(
  CROSS JOIN LATERAL (SELECT clock_timestamp() - coalesce(h.xact_start, q.since) AS age) AS s
  WHERE h.pid <> pg_backend_pid() AND s.age >= a.older
    AND (q.holder IS NOT NULL OR (h.state LIKE 'idle in transaction%' AND l.strength >= 3))
  UNION ALL
  SELECT format('Prepared transaction %s of user %s has kept its locks for %s s', p.gid, p.owner,
                extract(epoch FROM clock_timestamp() - p.prepared)::bigint),
         jsonb_build_object('gid', p.gid, 'user', p.owner, 'pid', NULL), p.prepared, )sql" +
                                psql("'ROLLBACK PREPARED ' || quote_literal(p.gid)") + R"sql(
  FROM asked a, pg_prepared_xacts p
  WHERE p.database = current_database() AND p.prepared < clock_timestamp() - a.older
)sql";

// By how long it has been idle: a busy transaction is idle now and then.
const std::string kIdleTransaction = R"sql(
  SELECT format('%s has been idle in a transaction for %s s: it keeps its locks, and dead rows from '
                'being taken away', )sql" +
                                     kWho + R"sql(,
                extract(epoch FROM clock_timestamp() - h.state_change)::bigint),
         )sql" + kEvidence + R"sql( || jsonb_build_object(
                            'idle_seconds', round(extract(epoch FROM
                              clock_timestamp() - h.state_change)::numeric, 1),
                            'transaction_seconds', round(extract(epoch FROM
                              clock_timestamp() - h.xact_start)::numeric, 1)),
         h.xact_start, )sql" + kEnd + R"sql(
  FROM asked a CROSS JOIN pg_stat_activity h )sql" +
                                     kHung + R"sql(
  WHERE h.datname = current_database() AND h.state LIKE 'idle in transaction%'
    AND h.state_change < clock_timestamp() - a.older
)sql";

// Nine tenths of what the server takes, or of what a role or the database may have.
const std::string kConnections = R"sql(
  WITH users AS (
    SELECT usesysid, usename, count(*) AS sessions FROM pg_stat_activity
    WHERE datid IS NOT NULL AND usename IS NOT NULL GROUP BY 1, 2
  ), most AS (
    SELECT coalesce(jsonb_object_agg(usename, sessions), '{}') AS by_user FROM users
  ), used AS (
    SELECT 'the server takes (max_connections less what is kept for superusers)' AS whose,
           (SELECT sum(numbackends) FROM pg_stat_database)::bigint AS used,
           current_setting('max_connections')::bigint
             - current_setting('superuser_reserved_connections')::bigint AS most,
           'ALTER SYSTEM SET max_connections = ' || 2 * current_setting('max_connections')::bigint
             || '  -- then restart Postgres' AS statement
    UNION ALL
    SELECT 'role ' || r.rolname || ' may have', u.sessions, r.rolconnlimit,
           format('ALTER ROLE %I CONNECTION LIMIT %s', r.rolname, 2 * r.rolconnlimit)
    FROM users u JOIN pg_roles r ON r.oid = u.usesysid WHERE r.rolconnlimit > 0
    UNION ALL
    SELECT 'database ' || d.datname || ' may have', s.numbackends, d.datconnlimit,
           format('ALTER DATABASE %I CONNECTION LIMIT %s', d.datname, 2 * d.datconnlimit)
    FROM pg_database d JOIN pg_stat_database s ON s.datid = d.oid
    WHERE d.datname = current_database() AND d.datconnlimit > 0
  )
  SELECT format('%s of the %s sessions that %s are in use', c.used, c.most, c.whose),
         jsonb_build_object('used', c.used, 'most', c.most, 'by_user', m.by_user),
         NULL::timestamptz, )sql" +
                                 psql("replace(c.statement, '\"', '\\\"')") + R"sql(
  FROM used c, most m WHERE c.used >= 0.9 * c.most
)sql";

// Of sessions of other users, whose states are null to those who may not see them.
void ask_of_sessions(PgConnection& postgres, const Scope& scope, const Question& question,
                     Diagnosis& diagnosis) {
  const PgResult sees =
      postgres.run("SELECT current_user, pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')");
  if (sees.text(0, 1) == "t") return ask(postgres, scope, question, diagnosis);
  const std::string user(sees.text(0, 0));
  diagnosis.skipped.push_back(
      {std::string(question.code), "user " + user +
                                       " may not see what others' sessions do: GRANT "
                                       "pg_read_all_stats TO " +
                                       user});
}

}  // namespace

void find_lock_holders(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) {
  ask_of_sessions(postgres, scope, {"lock_holder", kLockHolder}, diagnosis);
}

void find_in_sessions(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) {
  ask_of_sessions(postgres, scope, {"idle_transaction", kIdleTransaction}, diagnosis);
  ask(postgres, scope, {"connections", kConnections}, diagnosis);
}

}  // namespace sluice

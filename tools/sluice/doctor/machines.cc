// A process and the machine that it runs on.

#include <string>

#include "tools/sluice/doctor/bounds.h"
#include "tools/sluice/doctor/process_findings.h"

namespace sluice {
namespace {

std::string text(double number) { return std::to_string(number); }
std::string text(std::uint64_t number) { return std::to_string(number); }

// One append alone may have been the disk's first, or a slow one among many.
const std::string kSlowFsync = R"sql(
  SELECT format('Appends to the embedded log of process %s on %s take %s ms until they are durable: '
                'its disk is slow, and each post waits for it', h.pid, h.host,
                round(1000 * l.median)),
         jsonb_build_object('where', 'log', 'host', h.host, 'pid', h.pid,
                            'appends', h.vitals#>'{log,appends}', 'median_seconds', l.median,
                            'longest_seconds', h.vitals#>'{log,longest_append_seconds}',
                            'path', h.vitals#>'{disk,path}'),
         NULL::timestamptz,
         'pg_test_fsync -f ' || )sql" +
                               shell_word_sql("((h.vitals#>>'{disk,path}') || '/pg_test_fsync')") +
                               R"sql(
  FROM heard h
  CROSS JOIN LATERAL (SELECT (h.vitals#>>'{log,append_seconds}')::numeric AS median) AS l
  WHERE (h.vitals#>>'{log,appends}')::bigint >= 3 AND l.median >= )sql" +
                               text(kSlowFsyncSeconds);

// Its number: a process that has its queues, caches and rows in it stays below, whatever it does.
const std::string kMemory = R"sql(
  SELECT format('Process %s on %s holds %s of memory, and its number is %s', h.pid, h.host,
                pg_size_pretty(m.resident), pg_size_pretty(m.number)),
         jsonb_build_object('host', h.host, 'pid', h.pid) || (h.vitals->'memory'),
         NULL::timestamptz, format('grep -E "^(Vm|Rss)" /proc/%s/status', h.pid)
  FROM heard h
  CROSS JOIN LATERAL (SELECT (h.vitals#>>'{memory,resident}')::bigint AS resident,
                             (h.vitals#>>'{memory,number}')::bigint AS number) AS m
  WHERE m.number > 0 AND m.resident >= 0.95 * m.number
)sql";

// Stopped for moments, or slowed under a burst, is how RocksDB keeps its shape.
const std::string kRocksDb = R"sql(
  SELECT format('RocksDB of process %s on %s took no writes for %s s of the last minute, and took '
                'them slowly for %s s: its disk does not come after with compaction', h.pid, h.host,
                r.stopped, r.slowed),
         jsonb_build_object('host', h.host, 'pid', h.pid) || (h.vitals->'rocksdb'),
         now() - interval '1 min',
         'df -h ' || )sql" + shell_word_sql("coalesce(h.vitals#>>'{disk,path}', '.')") +
                             R"sql( || '; vmstat 1 5'
  FROM heard h
  CROSS JOIN LATERAL (SELECT (h.vitals#>>'{rocksdb,stopped_seconds}')::bigint AS stopped,
                             (h.vitals#>>'{rocksdb,slowed_seconds}')::bigint AS slowed) AS r
  WHERE r.stopped >= 4 OR r.slowed >= 30
)sql";

const std::string kDisk = R"sql(
  SELECT format('The disk of %s on %s has %s left of %s: at the end the log takes no posts, and state '
                'and Postgres stand still', h.vitals#>>'{disk,path}', h.host,
                pg_size_pretty(d.free), pg_size_pretty(d.bytes)),
         jsonb_build_object('host', h.host, 'pid', h.pid, 'path', h.vitals#>>'{disk,path}',
                            'free_bytes', d.free, 'bytes', d.bytes),
         NULL::timestamptz, 'df -h ' || )sql" +
                          shell_word_sql("(h.vitals#>>'{disk,path}')") +
                          R"sql(
  FROM heard h
  CROSS JOIN LATERAL (SELECT (h.vitals#>>'{disk,free_bytes}')::bigint AS free,
                             (h.vitals#>>'{disk,bytes}')::bigint AS bytes) AS d
  WHERE d.free < )sql" + text(kHardlyFreeBytes) +
                          " OR (d.free < " + text(kLeastFreeBytes) + " AND d.free < " +
                          text(kLeastFreePart) + R"sql( * d.bytes)
  UNION ALL
  SELECT format('%s partition %s cannot write: %s', f.projection, f.partition, f.trouble),
         jsonb_build_object('projection', f.projection, 'partition', f.partition,
                            'owner', f.owner, 'trouble', f.trouble),
         NULL::timestamptz, 'df -h'
  FROM asked a JOIN sluice.freshness f ON f.projection = ANY (a.projections)
  WHERE f.trouble ~ 'No space left on device|File too large|Disk quota exceeded|disk full'
)sql";

// Against the server's clock, against itself, and what producers or brokers stamped against both.
const std::string kClock = R"sql(
  SELECT format('The clock of %s is %s s %s that of Postgres', h.host, round(abs(c.ahead), 1),
                CASE WHEN c.ahead > 0 THEN 'ahead of' ELSE 'behind' END),
         jsonb_build_object('where', 'process', 'host', h.host, 'pid', h.pid,
                            'ahead_seconds', c.ahead),
         NULL::timestamptz, 'timedatectl status  # on ' || h.host
  FROM heard h
  CROSS JOIN LATERAL (SELECT (h.vitals#>>'{postgres,clock_ahead_seconds}')::numeric AS ahead) AS c
  WHERE abs(c.ahead) >= )sql" +
                           text(kClockSeconds) +
                           R"sql(
  UNION ALL
  SELECT format('The clock of %s has jumped by %s s while process %s ran: that goes by its steady '
                'clock since', h.host, round(c.jumped, 1), h.pid),
         jsonb_build_object('where', 'process', 'host', h.host, 'pid', h.pid,
                            'jumped_seconds', c.jumped),
         NULL::timestamptz, 'timedatectl status  # on ' || h.host
  FROM heard h
  CROSS JOIN LATERAL (SELECT (h.vitals#>>'{clock,jumped_seconds}')::numeric AS jumped) AS c
  WHERE abs(c.jumped) >= )sql" +
                           text(kClockSeconds) + R"sql(
  UNION ALL
  SELECT format('%s partition %s has folded a record of %s, which is %s s ahead of the clock of '
                'Postgres', p.projection, p.partition, p.record_time,
                extract(epoch FROM p.record_time - clock_timestamp())::bigint),
         jsonb_build_object('where', 'log', 'projection', p.projection, 'partition', p.partition,
                            'record_time', p.record_time, 'ahead_seconds',
                            extract(epoch FROM p.record_time - clock_timestamp())),
         NULL::timestamptz, 'timedatectl status'
  FROM asked a JOIN sluice.position p ON p.projection = ANY (a.projections)
  JOIN sluice.projection g USING (projection, generation)
  WHERE g.live AND p.record_time > clock_timestamp() + interval '1 min'
)sql";

}  // namespace

void find_in_machines(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) {
  ask(postgres, scope, {"slow_fsync", kSlowFsync}, diagnosis);
  ask(postgres, scope, {"disk", kDisk}, diagnosis);
  ask(postgres, scope, {"memory", kMemory}, diagnosis);
  ask(postgres, scope, {"rocksdb_stall", kRocksDb}, diagnosis);
  ask(postgres, scope, {"clock", kClock}, diagnosis);
}

}  // namespace sluice

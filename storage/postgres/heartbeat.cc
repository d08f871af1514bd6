#include "storage/postgres/heartbeat.h"

#include "storage/postgres/array_text.h"
#include "storage/postgres/copy_text.h"

namespace sluice {
namespace {

// Who let go has let go: somebody who speaks for it may not have heard of that yet.
// When a key became due is kept to the second, so that what stands still reads the same each time.
// The age of the oldest record comes as an age, so that no two clocks are compared.
constexpr const char* kSay =
    "WITH said AS (SELECT * FROM unnest($3::int[], $4::text[], $5::bigint[], $6::text[], "
    "$7::bool[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[]) "
    "AS said(partition, owner, log_end, trouble, leaves, due, computing, failing, waited, "
    "unseen)), "
    "renewed AS (UPDATE sluice.heartbeat h SET seen_at = now(), released = h.released OR s.leaves, "
    "log_end = s.log_end, trouble = s.trouble, due = coalesce(s.due, h.due), "
    "computing = coalesce(s.computing, h.computing), failing = coalesce(s.failing, h.failing), "
    "due_since = CASE WHEN s.due IS NULL THEN h.due_since ELSE date_trunc('second', "
    "now() - nullif(s.waited, 0) * interval '1 ms') END, "
    "oldest_at = CASE WHEN s.unseen = 0 OR s.trouble = '' AND s.log_end <= p.position THEN NULL "
    "WHEN s.unseen IS NULL THEN coalesce(h.oldest_at, h.seen_at) "
    "ELSE now() - s.unseen * interval '1 ms' END "
    "FROM said s LEFT JOIN sluice.position p "
    "ON p.projection = $1 AND p.generation = $2 AND p.partition = s.partition "
    "WHERE h.projection = $1 AND h.generation = $2 AND h.partition = s.partition "
    "AND h.owner = s.owner RETURNING h.partition), "
    // Of an owner whose row was deleted.
    "restored AS (INSERT INTO sluice.heartbeat "
    "(projection, generation, partition, owner, seen_at, log_end, trouble) "
    "SELECT $1, $2, s.partition, s.owner, now(), s.log_end, s.trouble FROM said s "
    "JOIN sluice.position p ON p.projection = $1 AND p.generation = $2 "
    "AND p.partition = s.partition AND p.owner = s.owner WHERE NOT s.leaves AND NOT EXISTS "
    "(SELECT FROM sluice.heartbeat h WHERE h.projection = $1 AND h.generation = $2 "
    "AND h.partition = s.partition) ON CONFLICT DO NOTHING RETURNING partition) "
    "INSERT INTO sluice.heartbeat AS h "
    "(projection, generation, partition, log_end, contender, contender_at) "
    "SELECT $1, $2, partition, log_end, trouble, now() FROM said "
    "WHERE trouble <> '' AND partition NOT IN "
    "(SELECT partition FROM renewed UNION SELECT partition FROM restored) "
    "ON CONFLICT (projection, generation, partition) DO UPDATE SET contender = excluded.contender, "
    "contender_at = now(), log_end = CASE WHEN h.seen_at > now() - interval '5 s' "
    "AND NOT h.released THEN h.log_end ELSE greatest(h.log_end, excluded.log_end) END";

}  // namespace

void write_heartbeats(PgConnection& connection, const std::string& projection,
                      const std::string& generation, std::span<const LogProgress> progress) {
  if (progress.empty()) return;
  ArrayText partitions, owners, ends, troubles, leaving, due, computing, failing, waited, unseen;
  const auto add = [](ArrayText& array, bool known, std::int64_t value) {
    known ? array.add(value) : array.add_null();
  };
  for (const LogProgress& each : progress) {
    partitions.add(std::int64_t{each.partition.value});
    owners.add(each.owner);
    ends.add(each.log_end.value);
    troubles.add(storable_text(each.trouble));
    leaving.add(each.leaves ? "t" : "f");
    const ComputedProgress computed = each.computed.value_or(ComputedProgress{});
    add(due, each.computed.has_value(), computed.due);
    add(computing, each.computed.has_value(), computed.computing);
    add(failing, each.computed.has_value(), computed.failing);
    add(unseen, each.unseen.has_value(),
        each.unseen.value_or(std::chrono::milliseconds{0}).count());
    add(waited, each.computed.has_value(), computed.oldest_due.count());
  }
  connection.run(kSay, std::vector<std::string>{projection, generation, partitions.text(),
                                                owners.text(), ends.text(), troubles.text(),
                                                leaving.text(), due.text(), computing.text(),
                                                failing.text(), waited.text(), unseen.text()});
}

}  // namespace sluice

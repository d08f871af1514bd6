#include "storage/postgres/lost_positions.h"

namespace sluice {
namespace {

// Of a log that never had a record nothing was folded.
constexpr const char* kLost =
    "FROM sluice.heartbeat h WHERE h.projection = $1 AND h.generation = $2 "
    "AND h.claimed_at IS NOT NULL AND greatest(h.claimed_from, h.log_end) > 0 "
    "AND NOT EXISTS (SELECT FROM sluice.position p WHERE p.projection = h.projection "
    "AND p.generation = h.generation AND p.partition = h.partition)";

// In place only the live one can be folded anew; of another its owners make a new one.
std::string way_out(const std::string& projection, const std::string& generation, bool live) {
  if (live) {
    return "let `sluice schema apply --refold " + projection +
           "` empty the view and fold the log anew";
  }
  return "let `sluice retire " + projection + " --generation " + generation +
         "` take that generation away";
}

}  // namespace

std::optional<std::string> lost_positions(PgConnection& connection, const std::string& projection,
                                          const std::string& generation,
                                          std::optional<Partition> partition) {
  const std::string only = partition ? std::to_string(partition->value) : "";
  const PgResult lost = connection.run(
      "SELECT coalesce(string_agg(h.partition::text, ', ' ORDER BY h.partition), ''), count(*), "
      "coalesce((SELECT live FROM sluice.projection WHERE projection = $1 AND generation = $2), "
      "false) " +
          std::string(kLost) + " AND h.partition = coalesce(nullif($3, '')::integer, h.partition)",
      {projection, generation, only});
  if (lost.number(0, 1) == 0) return std::nullopt;
  const bool one = lost.number(0, 1) == 1;
  return std::string(one ? "the row" : "rows") + " of sluice.position of " + projection +
         (one ? " partition " : " partitions ") + std::string(lost.text(0, 0)) + ", generation " +
         generation + (one ? ", is" : ", are") +
         " gone, so that nobody knows up to where the log was folded into the tables: restore " +
         (one ? "it" : "them") + ", or " + way_out(projection, generation, lost.text(0, 2) == "t");
}

void restore_lost_positions(PgConnection& connection, const std::string& projection,
                            const std::string& generation) {
  connection.run(
      "INSERT INTO sluice.position (projection, generation, partition, emits_from) "
      "SELECT h.projection, h.generation, h.partition, coalesce(h.claimed_from, 0) " +
          std::string(kLost) + " ON CONFLICT DO NOTHING",
      {projection, generation});
}

}  // namespace sluice

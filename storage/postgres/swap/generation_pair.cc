#include "storage/postgres/swap/generation_pair.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "storage/base/errors.h"
#include "storage/postgres/error.h"

namespace sluice {
namespace {

int live_of(PgConnection& connection, const std::string& domain) {
  const PgResult found = connection.run(
      "SELECT generation FROM sluice.projection WHERE projection = $1 AND live", {domain});
  if (found.rows() == 0) {
    throw Misconfigured(domain +
                        " has no live generation: start `sluice up`, or run `sluice schema apply`");
  }
  return static_cast<int>(found.number(0, 0));
}

// What stood before the live one; where nothing does, the live one.
int one_before(PgConnection& connection, const std::string& domain, int live) {
  const PgResult found = connection.run(
      "SELECT generation FROM sluice.projection WHERE projection = $1 "
      "AND status IN ('standing', 'ready') ORDER BY status DESC",
      {domain});
  return found.rows() == 0 ? live : static_cast<int>(found.number(0, 0));
}

}  // namespace

std::string name_of(const GenerationPair& pair) {
  return pair.domain + " generation " + std::to_string(pair.other);
}

std::variant<GenerationPair, GenerationRefusal> choose_pair(PgConnection& connection,
                                                            const std::string& domain,
                                                            std::optional<int> generation,
                                                            bool or_standing) {
  const int live = live_of(connection, domain);
  const PgResult found = connection.run(
      "SELECT generation, version, status, phase, coalesce(reason, '') FROM sluice.projection "
      "WHERE projection = $1 AND (generation = nullif($2, '')::integer OR $2 = '' "
      "AND status = ANY ($3::text[])) ORDER BY status = 'standing' LIMIT 1",
      {domain, generation ? std::to_string(*generation) : "",
       or_standing ? "{building,ready,standing}" : "{building,ready}"});
  if (found.rows() == 0 && generation) {
    throw Misconfigured("there is no " + domain + " generation " + std::to_string(*generation) +
                        ": `sluice generations " + domain + "` says which there are");
  }
  if (found.rows() == 0) {
    return GenerationRefusal{
        "not_ready", domain + " has no generation beside the live one: `sluice rebuild " + domain +
                         "` makes one"};
  }
  GenerationPair pair{domain, live, static_cast<int>(found.number(0, 0)),
                      static_cast<int>(found.number(0, 1)), std::string(found.text(0, 2))};
  if (pair.other_status == "live") {
    pair.live = one_before(connection, domain, live);
    return pair;
  }
  if (pair.other_status == "failed" || pair.other_status == "retired") {
    const std::string reason(found.text(0, 4));
    return GenerationRefusal{"not_ready", name_of(pair) + " is " + pair.other_status +
                                              (reason.empty() ? "" : ": " + reason)};
  }
  if (found.text(0, 3) != "following") {
    return GenerationRefusal{"not_ready", name_of(pair) + " is still built: its phase is " +
                                              std::string(found.text(0, 3))};
  }
  return pair;
}

std::variant<GenerationPair, GenerationRefusal> standing_pair(PgConnection& connection,
                                                              const std::string& domain) {
  const int live = live_of(connection, domain);
  // What was rolled back from was promoted later than what is live: a rollback promotes nothing.
  const PgResult found = connection.run(
      "SELECT g.generation, g.version, coalesce(g.promoted_at > coalesce(l.promoted_at, "
      "'-infinity'), false) FROM sluice.projection g JOIN sluice.projection l "
      "ON l.projection = g.projection AND l.live "
      "WHERE g.projection = $1 AND g.status = 'standing'",
      {domain});
  if (found.rows() == 0) {
    return GenerationRefusal{"not_ready",
                             "no generation of " + domain + " stands to be rolled back to"};
  }
  if (found.text(0, 2) == "t") {
    const std::string standing(found.text(0, 0));
    return GenerationRefusal{"not_ready", domain + " was rolled back from generation " + standing +
                                              " already, and nothing stands before generation " +
                                              std::to_string(live) + ": `sluice promote " + domain +
                                              " --generation " + standing +
                                              "` shows that one again"};
  }
  return GenerationPair{domain, live, static_cast<int>(found.number(0, 0)),
                        static_cast<int>(found.number(0, 1)), "standing"};
}

namespace {

// The partitions of the other one that no process folds, for people; empty: none. An owner speaks
// each second, and counts as gone after 5; a time ahead of the clock is no word of now.
std::string unowned(PgConnection& connection, const GenerationPair& pair) {
  const PgResult found = connection.run(
      "SELECT string_agg(n.partition::text, ', ' ORDER BY n.partition) FROM sluice.projection g "
      "CROSS JOIN LATERAL generate_series(0, g.partitions - 1) AS n(partition) "
      "LEFT JOIN sluice.position p ON p.projection = g.projection AND p.generation = g.generation "
      "AND p.partition = n.partition "
      "LEFT JOIN sluice.heartbeat h ON h.projection = g.projection "
      "AND h.generation = g.generation AND h.partition = n.partition "
      "WHERE g.projection = $1 AND g.generation = $2 AND NOT coalesce(NOT h.released "
      "AND (h.seen_at BETWEEN now() - interval '5 s' AND now() + interval '5 s' "
      "OR p.updated_at BETWEEN now() - interval '5 s' AND now() + interval '5 s'), false)",
      {pair.domain, std::to_string(pair.other)});
  return std::string(found.text(0, 0));
}

// Whether the partitions are between two owners rather than without: one of the other's was folded
// of late, or a process that can fold it is there.
bool changes_owners(PgConnection& connection, const GenerationPair& pair) {
  return connection
             .run(
                 "SELECT FROM sluice.heartbeat WHERE projection = $1 AND generation = $2 "
                 "AND seen_at > now() - make_interval(secs => $4) UNION ALL "
                 "SELECT FROM sluice.process WHERE vitals->'rules'->>$1 = $3 "
                 "AND seen_at > now() - interval '5 s' LIMIT 1",
                 {pair.domain, std::to_string(pair.other), std::to_string(pair.other_version),
                  std::to_string(kDealtAnew.count())})
             .rows() > 0;
}

}  // namespace

std::optional<GenerationRefusal> await_owners(PgConnection& connection,
                                              const GenerationPair& pair) {
  const auto until = std::chrono::steady_clock::now() + kDealtAnew;
  for (;;) {
    const std::string without = unowned(connection, pair);
    if (without.empty()) return std::nullopt;
    if (std::chrono::steady_clock::now() >= until || !changes_owners(connection, pair)) {
      return GenerationRefusal{"no_owner",
                               "no process folds partition " + without + " of " + name_of(pair) +
                                   ": start `sluice up` or `sluice project` of version " +
                                   std::to_string(pair.other_version) + " of its rules"};
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

std::optional<GenerationRefusal> require_near(PgConnection& connection, const GenerationPair& pair,
                                              std::int64_t records) {
  const PgResult found = connection.run(
      "SELECT l.partition, l.position - coalesce(n.position, 0) AS behind FROM sluice.position l "
      "LEFT JOIN sluice.position n ON n.projection = l.projection AND n.generation = $3 "
      "AND n.partition = l.partition WHERE l.projection = $1 AND l.generation = $2 "
      "AND l.position - coalesce(n.position, 0) > $4::bigint ORDER BY behind DESC LIMIT 1",
      {pair.domain, std::to_string(pair.live), std::to_string(pair.other),
       std::to_string(records)});
  if (found.rows() == 0) return std::nullopt;
  return GenerationRefusal{"lagging", name_of(pair) + " is " + std::string(found.text(0, 1)) +
                                          " records behind in partition " +
                                          std::string(found.text(0, 0)) + ", over " +
                                          std::to_string(records)};
}

PairStand look(PgConnection& connection, const GenerationPair& pair) {
  const PgResult rows = connection.run(
      "SELECT partition, l.position, coalesce(l.position, 0), coalesce(l.digest, 0), "
      "coalesce(n.position, 0), coalesce(n.digest, 0) "
      "FROM (SELECT * FROM sluice.position WHERE projection = $1 AND generation = $2) AS l "
      "FULL JOIN (SELECT * FROM sluice.position WHERE projection = $1 AND generation = $3) AS n "
      "USING (partition) ORDER BY partition",
      {pair.domain, std::to_string(pair.live), std::to_string(pair.other)});
  PairStand stand{.equal = true, .positions = {}, .apart = {}};
  for (int i = 0; i < rows.rows(); ++i) {
    const int partition = static_cast<int>(rows.number(i, 0));
    const std::int64_t live = rows.number(i, 2);
    const std::int64_t other = rows.number(i, 4);
    const bool same = live == other;
    if (!rows.null(i, 1)) stand.positions[partition] = live;
    if (same && rows.text(i, 3) == rows.text(i, 5)) continue;
    stand.equal = false;
    if (same) stand.another_log = true;
    if (stand.apart.empty()) {
      stand.apart = "in partition " + std::to_string(partition) + " generation " +
                    std::to_string(pair.other) + " is at " + std::to_string(other) +
                    ", the live one at " + std::to_string(live);
    }
  }
  return stand;
}

void lock_positions(PgConnection& connection, const std::string& domain, int generation) {
  connection.run(
      "SELECT FROM sluice.position WHERE projection = $1 AND generation = $2 ORDER BY partition "
      "FOR UPDATE",
      {domain, std::to_string(generation)});
}

// Who waits for a lock gives up before the server looks for deadlocks, so that it is never a flush
// which is ended. If this process hangs, the server ends the session, and the locks with it.
void begin_holding(PgConnection& connection) {
  connection.run(
      "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '2s'; "
      "SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '2s'");
}

bool timed_out(const std::exception& failure) {
  // Lock, statement, session; and who was in each other's way.
  return has_state(failure, "55P03") || has_state(failure, "57014") ||
         has_state(failure, "25P03") || has_state(failure, "40P01");
}

}  // namespace sluice

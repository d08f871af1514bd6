#include "storage/postgres/swap/swap.h"

#include <thread>

#include "storage/base/crash_point.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/applied.h"
#include "storage/postgres/error.h"
#include "storage/postgres/generation_tables.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStatementTimeout{10};

// Between two tries that wait for computed rows, and longer than both.
constexpr std::chrono::seconds kUnheld{2};
constexpr std::chrono::seconds kHurried{10};

std::string shortened(std::string_view query) {
  constexpr std::size_t kShown = 200;
  const std::string line = in_one_line(std::string(query).c_str());
  return line.size() <= kShown ? line : line.substr(0, kShown) + "...";
}

// "process 17 (psql) since 12 s: SELECT ..." of a row of pid, name, seconds, query.
std::string described(const PgResult& row) {
  return "process " + std::string(row.text(0, 0)) + " (" + std::string(row.text(0, 1)) +
         ") since " + std::string(row.text(0, 2)) + " s: " + shortened(row.text(0, 3));
}

constexpr const char* kDescribed =
    "SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename, 'unnamed'), "
    "coalesce(round(extract(epoch FROM now() - a.xact_start)), 0), coalesce(a.query, '') "
    "FROM pg_locks l JOIN pg_stat_activity a USING (pid) ";

}  // namespace

Swap::Swap(const std::string& url, const GenerationPair& pair, Kind kind)
    : pair_(pair),
      kind_(kind),
      live_(std::to_string(pair.live)),
      other_(std::to_string(pair.other)),
      holding_(url, kStatementTimeout),
      beside_(url, kStatementTimeout),
      shown_{pair.domain, pair.other, 0} {}

std::variant<Positions, GenerationRefusal> Swap::run(SwapPatience patience) {
  const auto deadline = Clock::now() + patience.lock_wait;
  const auto computed_by = Clock::now() + patience.computing;
  int apart = 0;
  for (;;) {
    Tried tried = attempt();
    holding_.roll_back();
    if (auto* done = std::get_if<Positions>(&tried)) return std::move(*done);
    if (auto* refused = std::get_if<GenerationRefusal>(&tried)) return std::move(*refused);
    const Again& again = std::get<Again>(tried);
    bool out_of_time = Clock::now() >= (again.computing ? computed_by : deadline);
    if (again.word == "busy" && !again.computing) out_of_time = ++apart == kTries;
    if (out_of_time) return GenerationRefusal{again.word, again.reason};
    // Flushes, which waited, go on meanwhile.
    std::this_thread::sleep_for(kBetweenTries);
    if (!again.computing) continue;
    hurry_computing();
    // Keys that change all the time never all are where readers saw them unless the live one
    // stands: what is left then is little, and computed while positions are held.
    await_computed(std::min(computed_by, Clock::now() + kUnheld));
  }
}

void Swap::hurry_computing() {
  hurried_ = true;
  beside_.run(
      "UPDATE sluice.projection SET hurries_until = now() + $3::double precision * interval '1 s' "
      "WHERE projection = $1 AND generation = $2",
      {pair_.domain, other_, std::to_string(kHurried.count())});
}

// Without holding anything up. What is computed meanwhile may be due again when positions are held.
void Swap::await_computed(Clock::time_point until) {
  while (Clock::now() < until && !still_computed(beside_).empty()) {
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

Swap::Tried Swap::attempt() {
  Positions positions;
  try {
    if (auto ended = prepare(positions)) return *ended;
    crash_point(CrashPoint("swap.views_made"));
    if (holding_.commit() == PgConnection::Commit::in_doubt && !went_through()) {
      return Again{"locked", "the transaction was lost with its session"};
    }
  } catch (const Retryable& failure) {
    if (!timed_out(failure)) throw;
    return Again{"busy", "a flush or another command did not end in time: " + said(failure)};
  }
  crash_point(CrashPoint("swap.committed"));
  return positions;
}

std::optional<Swap::Tried> Swap::prepare(Positions& positions) {
  holding_.connect();
  begin_holding(holding_);
  holding_pid_ = holding_.run("SELECT pg_backend_pid()").text(0, 0);
  if (holding_.run("SELECT pg_try_advisory_xact_lock(hashtext('sluice schema apply'))")
          .text(0, 0) != "t") {
    return Again{"locked", applier()};
  }
  if (auto ended = require_roles()) return ended;
  if (auto ended = meet(positions)) return ended;
  if (std::string behind = still_computed(holding_); !behind.empty()) {
    return Again{"busy", std::move(behind), true};
  }
  crash_point(CrashPoint("swap.positions_locked"));
  commit_mark();
  crash_point(CrashPoint("swap.marked"));
  await_older_snapshots();
  // Before the views are locked: readers are to wait for as little as can be.
  carry_as_of_on();
  set_statuses();
  return make_views();
}

std::optional<Swap::Tried> Swap::require_roles() {
  const PgResult rows = holding_.run(
      "SELECT generation, status, coalesce(reads_sql, '') FROM sluice.projection "
      "WHERE projection = $1 AND generation IN ($2, $3) ORDER BY generation = $2 DESC FOR UPDATE",
      {pair_.domain, live_, other_});
  if (rows.rows() < 2) return GenerationRefusal{"not_ready", "a generation is not there any more"};
  const std::string live(rows.text(0, 1));
  const std::string other(rows.text(1, 1));
  reads_sql_ = rows.text(1, 2);
  // Somebody else was faster, or the answer of an earlier call was lost.
  if (other == "live") {
    return look(holding_, {pair_.domain, pair_.other, pair_.live, 0, {}}).positions;
  }
  const bool may = other == "standing" || (other == "ready" && kind_ == Kind::promote);
  if (live == "live" && may) return std::nullopt;
  return GenerationRefusal{"not_ready", pair_.domain + " generation " + other_ + " is " + other +
                                            ", generation " + live_ + " is " + live};
}

std::optional<Swap::Tried> Swap::meet(Positions& positions) {
  lock_positions(holding_, pair_.domain, pair_.live);
  const auto until = Clock::now() + kHeldAtMost;
  PairStand stand = look(beside_, pair_);
  while (!stand.equal && !stand.another_log && Clock::now() < until) {
    std::this_thread::sleep_for(kBetweenLooks);
    stand = look(beside_, pair_);
  }
  if (stand.another_log) return refuse_log(pair_);
  if (!stand.equal) {
    return Again{"busy", "the two generations were not at one position within a second, " +
                             std::to_string(kTries) + " times: " + stand.apart};
  }
  // Readers are shown no later computed rows meanwhile, and its owners publish theirs.
  if (hurried_) await_computed(until);
  // Its owner may be publishing computed rows at this position.
  lock_positions(holding_, pair_.domain, pair_.other);
  positions = stand.positions;
  return std::nullopt;
}

// Of each computed table that both have, as pieces of SQL about `o`, the live one's, and `n`.
std::vector<Swap::ComputedTable> Swap::computed_tables(PgConnection& connection) const {
  const auto old_tables = generation_tables(connection, pair_.domain, pair_.live);
  const auto new_tables = generation_tables(connection, pair_.domain, pair_.other);
  const auto says_as_of = [](const CatalogueTable* table) {
    const TableColumn* const as_of = table == nullptr ? nullptr : table->find("as_of");
    return as_of != nullptr && as_of->type == "bigint";
  };
  const auto named = [&](int generation, const CatalogueTable& table) {
    return quoted(generation_schema(pair_.domain, generation)) + "." + quoted(table.name);
  };
  std::vector<ComputedTable> found;
  for (const CatalogueTable& table : new_tables) {
    const CatalogueTable* const old_table = find_table(old_tables, table.name);
    if (!says_as_of(&table) || !says_as_of(old_table) || old_table->keys() != table.keys()) {
      continue;
    }
    std::string same;
    for (const std::string& key : table.keys()) {
      same += (same.empty() ? "n." : " AND n.") + quoted(key) + " = o." + quoted(key);
    }
    found.push_back({table.name, "o." + quoted(table.keys().front()), same,
                     named(pair_.live, table), named(pair_.other, table)});
  }
  return found;
}

// A key that is due has rows as of before its last change: where readers saw later ones, its owner
// is to compute them first.
std::string Swap::still_computed(PgConnection& connection) const {
  for (const ComputedTable& table : computed_tables(connection)) {
    const PgResult behind =
        connection.run("SELECT count(DISTINCT d.key), min(d.key) FROM sluice.due d JOIN " +
                           table.old_rows + " o ON " + table.key + "::text = d.key LEFT JOIN " +
                           table.new_rows + " n ON " + table.same +
                           " WHERE d.projection = $1 AND d.generation = $2 "
                           "AND (n.as_of IS NULL OR n.as_of < o.as_of)",
                       {pair_.domain, other_});
    if (behind.number(0, 0) == 0) continue;
    return "of " + std::string(behind.text(0, 0)) + " keys of " + table.name + " (" +
           std::string(behind.text(0, 1)) + ") readers saw later rows than generation " + other_ +
           " has computed so far";
  }
  return "";
}

// The rows of a key that is not due are those of every position since its last change.
void Swap::carry_as_of_on() {
  for (const ComputedTable& table : computed_tables(holding_)) {
    holding_.run("UPDATE " + table.new_rows + " n SET as_of = o.as_of FROM " + table.old_rows +
                 " o WHERE " + table.same + " AND n.as_of < o.as_of");
  }
}

void Swap::commit_mark() {
  shown_.mark =
      beside_.run("INSERT INTO sluice.mark (projection) VALUES ($1) RETURNING id", {pair_.domain})
          .number(0, 0);
}

// Snapshots without the mark are told to begin again once they come to the views: most end by
// themselves before. The server shows those of others only to who may see them.
void Swap::await_older_snapshots() {
  const std::string marked(beside_.run("SELECT clock_timestamp()").text(0, 0));
  const auto until = Clock::now() + kHeldAtMost;
  while (Clock::now() < until) {
    // Flushes that wait for us read no view.
    const PgResult older = beside_.run(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_type = 'client backend' AND pid NOT IN (pg_backend_pid(), $1::integer) "
        "AND backend_xmin IS NOT NULL AND xact_start < $2::timestamptz "
        "AND NOT (wait_event_type IS NOT DISTINCT FROM 'Lock' "
        "AND $1::integer = ANY (pg_blocking_pids(pid))) LIMIT 1",
        {holding_pid_, marked});
    if (older.rows() == 0) return;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

// One statement after the other, since of each status there may be one at any moment.
void Swap::set_statuses() {
  // Who promotes or rolls back by hand has decided for both.
  holding_.run(
      "UPDATE sluice.projection SET promotes_itself = false WHERE projection = $1 "
      "AND generation IN ($2, $3)",
      {pair_.domain, live_, other_});
  holding_.run(
      "UPDATE sluice.projection SET live = false, status = 'retired' WHERE projection = $1 "
      "AND (generation = $2 OR status = 'standing' AND generation <> $3)",
      {pair_.domain, live_, other_});
  holding_.run(
      "UPDATE sluice.projection SET live = true, status = 'live', promoted_at = now(), "
      "mark = $3, reason = NULL WHERE projection = $1 AND generation = $2",
      {pair_.domain, other_, std::to_string(shown_.mark)});
  holding_.run(
      "UPDATE sluice.projection g SET status = CASE WHEN $3 = 'promote' OR EXISTS ("
      "SELECT FROM sluice.projection b WHERE b.projection = $1 "
      "AND b.status IN ('building', 'ready')) THEN 'standing' ELSE 'ready' END "
      "WHERE g.projection = $1 AND g.generation = $2",
      {pair_.domain, live_, kind_ == Kind::promote ? "promote" : "roll back"});
  // What the old one has appended, or is to append no more, the new one does not append.
  holding_.run(
      "UPDATE sluice.position n SET emits_from = greatest(n.position, l.emits_from) "
      "FROM sluice.position l WHERE n.projection = $1 AND n.generation = $3 "
      "AND l.projection = $1 AND l.generation = $2 AND l.partition = n.partition",
      {pair_.domain, live_, other_});
  holding_.run("DELETE FROM sluice.mark WHERE projection = $1 AND id < $2",
               {pair_.domain, std::to_string(shown_.mark)});
  holding_.run("SELECT pg_notify('sluice_generation', $1)", {JsonWriter()
                                                                 .begin_object()
                                                                 .field("projection", pair_.domain)
                                                                 .field("generation", pair_.other)
                                                                 .field("was", pair_.live)
                                                                 .end_object()
                                                                 .take()});
}

std::optional<Swap::Tried> Swap::make_views() {
  const ReaderViews readers = reader_views(holding_, pair_.domain, pair_.other);
  if (!readers.conflicts.empty()) return GenerationRefusal{"columns", joined(readers.conflicts)};
  note_applied(holding_, pair_.domain, readers_text(shown_, reads_sql_));
  const std::string sql = readers.sql(shown_) + reads_sql_;
  try {
    lock_views(holding_, pair_.domain);
    holding_.run("SET LOCAL lock_timeout = '50ms';\n" + sql);
  } catch (const Retryable& failure) {
    if (!timed_out(failure)) throw;
    const std::string holder = holder_of_views();
    if (!holder.empty()) holder_ = holder;
    return Again{"locked", holder_.empty()
                               ? "views of " + pair_.domain + " were in use: " + said(failure)
                               : "views of " + pair_.domain + " are used by " + holder_};
  } catch (const Misconfigured& failure) {
    if (has_state(failure, "42501")) throw;  // a right is missing, no column
    return GenerationRefusal{"columns", said(failure)};
  }
  return std::nullopt;
}

bool Swap::went_through() {
  // Waits for the transaction, should it still be under way in the server.
  const PgResult found = beside_.run(
      "SELECT live FROM sluice.projection WHERE projection = $1 AND generation = $2 FOR UPDATE",
      {pair_.domain, other_});
  return found.rows() == 1 && found.text(0, 0) == "t";
}

std::string Swap::holder_of_views() {
  const PgResult found = beside_.run(
      std::string(kDescribed) +
          "JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace "
          "WHERE l.locktype = 'relation' AND l.granted AND c.relkind = 'v' AND n.nspname = $1 "
          "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
          "AND a.pid NOT IN (pg_backend_pid(), $2::integer) ORDER BY a.xact_start LIMIT 1",
      {pair_.domain, holding_pid_});
  return found.rows() == 0 ? "" : described(found);
}

std::string Swap::applier() {
  const PgResult found = beside_.run(
      std::string(kDescribed) +
      "WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database "
      "WHERE datname = current_database()) AND l.objsubid = 1 "
      "AND (l.classid::bigint << 32 | l.objid::bigint) = hashtext('sluice schema apply')::bigint "
      "LIMIT 1");
  return "a schema is being applied, or a generation made, retired or promoted" +
         (found.rows() == 0 ? std::string() : " by " + described(found));
}

}  // namespace sluice

#include "storage/postgres/swap/postgres_swap.h"

#include <chrono>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/applied.h"
#include "storage/postgres/error.h"
#include "storage/postgres/generation_tables.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

constexpr std::chrono::seconds kStatementTimeout{10};

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

PostgresSwap::PostgresSwap(const std::string& url, const GenerationPair& pair, SwapKind kind)
    : pair_(pair),
      kind_(kind),
      live_(std::to_string(pair.live)),
      other_(std::to_string(pair.other)),
      holding_(url, kStatementTimeout),
      beside_(url, kStatementTimeout),
      shown_{pair.domain, pair.other, 0} {}

std::optional<SwapSession::Ended> PostgresSwap::begin() {
  holding_.connect();
  begin_holding(holding_);
  holding_pid_ = holding_.run("SELECT pg_backend_pid()").text(0, 0);
  if (holding_.run("SELECT pg_try_advisory_xact_lock(hashtext('sluice schema apply'))")
          .text(0, 0) != "t") {
    return Again{"locked", applier()};
  }
  return require_roles();
}

std::optional<SwapSession::Ended> PostgresSwap::require_roles() {
  holding_.run(
      "SELECT FROM sluice.projection WHERE projection = $1 AND generation IN ($2, $3) "
      "ORDER BY generation = $2 DESC FOR UPDATE",
      {pair_.domain, live_, other_});
  // Of all, since the one that stood before gives way: who makes and retires some waits as well.
  const PgResult rows = holding_.run(
      "SELECT generation, status, promotes_itself, coalesce(reads_sql, '') FROM sluice.projection "
      "WHERE projection = $1 ORDER BY generation",
      {pair_.domain});
  roles_.clear();
  for (int i = 0; i < rows.rows(); ++i) {
    roles_.push_back(
        {static_cast<int>(rows.number(i, 0)), status_of(rows.text(i, 1)), rows.text(i, 2) == "t"});
    if (roles_.back().generation == pair_.other) reads_sql_ = rows.text(i, 3);
  }
  const SwappedPair swapped{pair_.live, pair_.other};
  if (is_swapped(swapped, roles_)) {
    return sluice::look(holding_, {pair_.domain, pair_.other, pair_.live, 0, {}}).positions;
  }
  auto refused = refuse_roles(kind_, swapped, roles_);
  if (!refused) return std::nullopt;
  refused->reason = pair_.domain + ": " + refused->reason;
  return *std::move(refused);
}

void PostgresSwap::lock_live() { lock_positions(holding_, pair_.domain, pair_.live); }

PairStand PostgresSwap::look() { return sluice::look(beside_, pair_); }

void PostgresSwap::lock_other() { lock_positions(holding_, pair_.domain, pair_.other); }

// Of each computed table that both have, as pieces of SQL about `o`, the live one's, and `n`.
std::vector<PostgresSwap::ComputedTable> PostgresSwap::computed_tables(
    PgConnection& connection) const {
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
std::string PostgresSwap::still_computed() {
  for (const ComputedTable& table : computed_tables(holding_)) {
    const PgResult behind =
        holding_.run("SELECT count(DISTINCT d.key), min(d.key) FROM sluice.due d JOIN " +
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

void PostgresSwap::hurry(std::chrono::seconds how_long) {
  beside_.run(
      "UPDATE sluice.projection SET hurries_until = now() + $3::double precision * interval '1 s' "
      "WHERE projection = $1 AND generation = $2",
      {pair_.domain, other_, std::to_string(how_long.count())});
}

// The rows of a key that is not due are those of every position since the key's last change. As of
// the position that readers saw those rows are in every snapshot that has the mark: a snapshot that
// is taken before the swap may come to the views after the swap. Where the other session has lost
// its locks, this statement, in its one snapshot, looks itself whether positions are equal and the
// key is not due.
void PostgresSwap::commit_mark() {
  std::string sql =
      "WITH stand AS (SELECT NOT EXISTS (SELECT FROM "
      "(SELECT * FROM sluice.position WHERE projection = $1 AND generation = $2) AS l FULL JOIN "
      "(SELECT * FROM sluice.position WHERE projection = $1 AND generation = $3) AS n "
      "USING (partition) WHERE coalesce(l.position, 0) <> coalesce(n.position, 0) "
      "OR coalesce(l.digest, 0) <> coalesce(n.digest, 0)) AS equal)";
  for (const ComputedTable& table : computed_tables(beside_)) {
    sql += ", " + quoted("carried " + table.name) + " AS (UPDATE " + table.new_rows +
           " n SET as_of = o.as_of FROM " + table.old_rows + " o, stand WHERE " + table.same +
           " AND n.as_of < o.as_of AND stand.equal AND NOT EXISTS (SELECT FROM sluice.due d "
           "WHERE d.projection = $1 AND d.generation = $3 AND d.key = " +
           table.key + "::text))";
  }
  sql += " INSERT INTO sluice.mark (projection) VALUES ($1) RETURNING id";
  shown_.mark = beside_.run(sql, {pair_.domain, live_, other_}).number(0, 0);
  marked_ = beside_.run("SELECT clock_timestamp()").text(0, 0);
}

// The server shows those of others only to who may see them. Flushes that wait for us read no view.
bool PostgresSwap::older_snapshots() {
  const PgResult older = beside_.run(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() "
      "AND backend_type = 'client backend' AND pid NOT IN (pg_backend_pid(), $1::integer) "
      "AND backend_xmin IS NOT NULL AND xact_start < $2::timestamptz "
      "AND NOT (wait_event_type IS NOT DISTINCT FROM 'Lock' "
      "AND $1::integer = ANY (pg_blocking_pids(pid))) LIMIT 1",
      {holding_pid_, marked_});
  return older.rows() > 0;
}

void PostgresSwap::write() {
  write_roles();
  // What the old one has appended, or is to append no more, the new one does not append.
  holding_.run(
      "UPDATE sluice.position n SET emits_from = greatest(n.position, l.emits_from) "
      "FROM sluice.position l WHERE n.projection = $1 AND n.generation = $3 "
      "AND l.projection = $1 AND l.generation = $2 AND l.partition = n.partition",
      {pair_.domain, live_, other_});
  // What readers see no more is audited no more: what was found there would stand for ever.
  for (const char* table : {"sluice.audit", "sluice.audit_difference"}) {
    holding_.run(
        std::string("DELETE FROM ") + table + " WHERE projection = $1 AND generation <> $2",
        {pair_.domain, other_});
  }
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

// Since of each status there may be one at any moment, all that change give theirs up first.
void PostgresSwap::write_roles() {
  const GenerationRoles after = roles_after(kind_, {pair_.live, pair_.other}, roles_);
  GenerationRoles changed;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (after[i] == roles_[i]) continue;
    changed.push_back(after[i]);
    holding_.run(
        "UPDATE sluice.projection SET live = false, status = 'retired', promotes_itself = $3 "
        "WHERE projection = $1 AND generation = $2",
        {pair_.domain, std::to_string(after[i].generation), after[i].promotes_itself ? "t" : "f"});
  }
  for (const GenerationRole& role : changed) {
    holding_.run(
        "UPDATE sluice.projection SET live = $3::text = 'live', status = $3::text "
        "WHERE projection = $1 AND generation = $2",
        {pair_.domain, std::to_string(role.generation), std::string(word_of(role.status))});
  }
  holding_.run(
      "UPDATE sluice.projection SET mark = $3, reason = NULL, promoted_at = "
      "CASE $4 WHEN 'roll back' THEN promoted_at ELSE greatest(now(), (SELECT max(promoted_at) "
      "FROM sluice.projection WHERE projection = $1) + interval '1 microsecond') END "
      "WHERE projection = $1 AND generation = $2",
      {pair_.domain, other_, std::to_string(shown_.mark),
       kind_ == SwapKind::roll_back ? "roll back" : "promote"});
}

std::optional<SwapSession::Ended> PostgresSwap::show() {
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

bool PostgresSwap::commit() {
  return holding_.commit() != PgConnection::Commit::in_doubt || went_through();
}

void PostgresSwap::release() noexcept { holding_.roll_back(); }

std::optional<std::string> PostgresSwap::not_in_time(const Retryable& failure) const {
  if (!timed_out(failure)) return std::nullopt;
  return said(failure);
}

bool PostgresSwap::went_through() {
  // Waits for the transaction, should it still be under way in the server.
  const PgResult found = beside_.run(
      "SELECT live FROM sluice.projection WHERE projection = $1 AND generation = $2 FOR UPDATE",
      {pair_.domain, other_});
  return found.rows() == 1 && found.text(0, 0) == "t";
}

std::string PostgresSwap::holder_of_views() {
  const PgResult found = beside_.run(
      std::string(kDescribed) +
          "JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace "
          "WHERE l.locktype = 'relation' AND l.granted AND c.relkind = 'v' AND n.nspname = $1 "
          "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
          "AND a.pid NOT IN (pg_backend_pid(), $2::integer) ORDER BY a.xact_start LIMIT 1",
      {pair_.domain, holding_pid_});
  return found.rows() == 0 ? "" : described(found);
}

std::string PostgresSwap::applier() {
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

#include "storage/postgres/postgres_sink.h"

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"
#include "storage/postgres/array_text.h"
#include "storage/postgres/heartbeat.h"
#include "storage/postgres/lost_positions.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

std::string digest_text(Digest digest) {
  return std::to_string(static_cast<std::int64_t>(digest.value));
}

std::string text(std::int64_t value) { return std::to_string(value); }

ViewPosition view_of(const PgResult& rows, int i = 0) {
  return {Offset{rows.number(i, 0)},
          Digest{static_cast<std::uint64_t>(rows.number(i, 1))},
          Offset{rows.number(i, 2)},
          std::string(rows.text(i, 3)),
          rows.number(i, 4),
          std::chrono::milliseconds(rows.number(i, 5)),
          parse_identity(rows.text(i, 6)),
          rows.text(i, 7) == "t",
          Offset{rows.number(i, 8)}};
}

// A partition's row with how long its owner has been silent; a time ahead of the clock, which was
// set back since, is no word of now.
constexpr const char* kPositions =
    "SELECT p.position, p.digest, p.emits_from, p.owner, p.published, "
    "(CASE WHEN h.owner = p.owner AND h.released THEN 1000000 ELSE 1000 * "
    "least(abs(extract(epoch FROM now() - h.seen_at)), "
    "abs(extract(epoch FROM now() - p.updated_at))) END)::bigint, p.log_identity, p.loaded, "
    "p.folded, p.partition "
    "FROM sluice.position p LEFT JOIN sluice.heartbeat h USING (projection, generation, partition) "
    "WHERE projection = $1 AND generation = $2";

}  // namespace

bool PostgresSink::InOrderOfTables::operator()(const google::protobuf::Descriptor* one,
                                               const google::protobuf::Descriptor* other) const {
  const auto place = [](const google::protobuf::Descriptor* row) {
    return std::pair(row == &emission_row(), row->index());
  };
  return place(one) < place(other);
}

PostgresSink::PostgresSink(PostgresSinkConfig config)
    : config_(std::move(config)), number_(text(config_.generation)), connection_(config_.url) {
  connection_.heed(config_.gives_up);
  for (const auto* row : config_.published) plans_.emplace(row, plan_of(*row));
}

void PostgresSink::open_session() {
  if (!connection_.connect()) return;
  prepared_ = false;
  if (config_.session.empty()) return;
  connection_.run("SELECT set_config('application_name', $1, false)", {config_.session});
}

void PostgresSink::prepare_session() {
  open_session();
  if (prepared_) return;
  // Large documents are written often and read seldom. Where Postgres has no lz4, it says no. A
  // flush looks rows up by their keys: what the planner thinks of temporary tables, of which it
  // knows nothing, may not make it read a whole table of ours instead.
  std::string sql =
      "SET enable_seqscan = off; SET jit = off;"
      "DO $$ BEGIN SET default_toast_compression = lz4; "
      "EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$;"
      "CREATE TEMP TABLE new_rejection (LIKE sluice.rejection) ON COMMIT DELETE ROWS;"
      "CREATE TEMP TABLE new_quarantine (LIKE sluice.quarantine) ON COMMIT DELETE ROWS;"
      "CREATE TEMP TABLE new_decision (LIKE sluice.decision) ON COMMIT DELETE ROWS;";
  for (const auto& [row, plan] : plans_) sql += plan.make_temporary;
  connection_.run(sql);
  prepared_ = true;
}

Generation PostgresSink::generation() {
  open_session();
  const PgResult found = connection_.run(
      "SELECT unique_id, version, partitions, horizon_ms, quarantine_ms, live, "
      "coalesce(applied ? $3, false), key_index "
      "FROM sluice.projection "
      "WHERE projection = $1 AND generation = $2",
      {config_.projection, number_, table_name(emission_row())});
  if (found.rows() == 0) {
    throw Misconfigured(config_.projection + " has no generation " + number_ +
                        ": run `sluice schema apply`");
  }
  unique_id_ = found.text(0, 0);
  const bool tells_emissions = found.text(0, 6) == "t";
  if (tells_emissions && !plans_.contains(&emission_row())) {
    const auto plan = plans_.emplace(&emission_row(), plan_of(emission_row())).first;
    if (prepared_) connection_.run(plan->second.make_temporary);
  }
  return {config_.projection,
          config_.generation,
          unique_id_,
          static_cast<int>(found.number(0, 1)),
          static_cast<int>(found.number(0, 2)),
          std::chrono::milliseconds(found.number(0, 3)),
          std::chrono::milliseconds(found.number(0, 4)),
          found.text(0, 5) == "t",
          tells_emissions,
          found.text(0, 7) == "t"};
}

ViewPosition PostgresSink::claim(Partition partition, std::string_view owner) {
  explained([&] {
    prepare_session();
    next_look_ = {};
    require_tables();
  });
  require_no_strange_rows();
  if (const auto lost = lost_positions(connection_, config_.projection, number_, partition)) {
    throw Misconfigured(*lost);
  }
  // A generation that follows, or always did, has no rows to be loaded first.
  connection_.run(
      "INSERT INTO sluice.position (projection, generation, partition, loaded) "
      "SELECT projection, generation, $3, phase = 'following' FROM sluice.projection "
      "WHERE projection = $1 AND generation = $2 AND status <> 'retired' ON CONFLICT DO NOTHING",
      {config_.projection, number_, text(partition.value)});
  // In one statement, so that no beat of the owner before comes between.
  const PgResult taken = connection_.run(
      "WITH taken AS (UPDATE sluice.position SET owner = $4, updated_at = now() "
      "WHERE projection = $1 AND generation = $2 AND partition = $3 "
      "AND EXISTS (SELECT FROM sluice.projection g WHERE g.projection = $1 AND g.generation = $2 "
      "AND (g.unique_id = $5 OR $5 = '') AND g.status <> 'retired') "
      "RETURNING position, digest, emits_from, owner, published, log_identity, loaded, folded), "
      "said AS (INSERT INTO sluice.heartbeat "
      "(projection, generation, partition, owner, claimed_at, seen_at, claimed_from) "
      "SELECT $1, $2, $3, $4, now(), now(), greatest(position, folded) FROM taken "
      "ON CONFLICT (projection, generation, partition) DO UPDATE SET owner = excluded.owner, "
      "claimed_at = now(), oldest_at = coalesce(heartbeat.oldest_at, heartbeat.seen_at), "
      "seen_at = now(), claimed_from = excluded.claimed_from, "
      "released = false, trouble = '') "
      "SELECT position, digest, emits_from, owner, published, 0, log_identity, loaded, folded "
      "FROM taken",
      {config_.projection, number_, text(partition.value), owner, unique_id_});
  if (taken.rows() == 0) {
    throw Retryable(config_.projection + " generation " + number_ +
                    " was made anew or retired since this process looked: start it again");
  }
  return view_of(taken);
}

// Rows of which no position says what was folded into them are not folded into.
void PostgresSink::require_no_strange_rows() {
  std::string any;
  for (const auto& [row, plan] : plans_) {
    any += (any.empty() ? "" : " OR ") + ("EXISTS (SELECT FROM " + names_of(*row).table + ")");
  }
  if (any.empty()) return;
  const PgResult found = connection_.run(
      "SELECT NOT EXISTS (SELECT FROM sluice.position WHERE projection = $1 AND generation = $2 "
      "AND position > 0) AND (" +
          any + ")",
      {config_.projection, number_});
  if (found.text(0, 0) != "t") return;
  throw Misconfigured("tables of " + config_.projection +
                      " have rows, but no row of sluice.position says up to where the log was "
                      "folded into them: restore it, or let `sluice schema apply --refold " +
                      config_.projection + "` empty them and fold the log anew");
}

std::optional<ViewPosition> PostgresSink::position(Partition partition) {
  open_session();
  const PgResult found = connection_.run(std::string(kPositions) + " AND partition = $3",
                                         {config_.projection, number_, text(partition.value)});
  if (found.rows() == 0) return std::nullopt;
  return view_of(found);
}

FlushOutcome PostgresSink::flush(const FlushBatch& batch) {
  return explained([&] {
    prepare_session();
    try {
      write(batch);
      crash_point(CrashPoint("flush.rows_copied"));
      return connection_.commit() == PgConnection::Commit::done ? FlushOutcome::committed
                                                                : FlushOutcome::in_doubt;
    } catch (const Error&) {
      connection_.roll_back();
      throw;
    }
  });
}

void PostgresSink::write(const FlushBatch& batch) {
  connection_.run(kBegin);
  // First, so that a zombie's flush ends before it costs anything, and the row is locked.
  advance(batch);
  for (const RowChanges& changes : batch.rows) write_rows(changes);
  write_computed(batch.computed);
  for (const ComputedRows* of_key : batch.repaired) write_repaired(*of_key);
  write_due(batch);
  write_refused({batch.partition, batch.rejections, batch.quarantined, batch.unquarantined,
                 batch.aged_out, batch.decisions});
  require_generation(batch);
}

// A statement of its own, so that it sees what was committed while advance() waited for the row: a
// swap of the live generation holds that row. Readers hear of the live generation only.
void PostgresSink::require_generation(const FlushBatch& batch) {
  const PgResult found = connection_.run(
      "SELECT g.phase = 'following', "
      "g.live = $4::boolean AND (g.live OR coalesce(l.position >= $5::bigint, false)), "
      "CASE WHEN g.live AND $4::boolean THEN pg_notify('sluice', $6) END "
      "FROM sluice.projection g LEFT JOIN (sluice.position l JOIN sluice.projection o "
      "USING (projection, generation)) ON o.live AND l.projection = g.projection "
      "AND l.partition = $3::integer WHERE g.projection = $1 AND g.generation = $2::integer",
      {config_.projection, number_, text(batch.partition.value), batch.live ? "t" : "f",
       text(batch.to.value),
       config_.projection + ":" + text(batch.partition.value) + "@" + text(batch.to.value)});
  if (found.rows() == 0) throw Fenced("the generation is not there any more");
  if (found.text(0, 0) != "t") {
    throw Misconfigured(config_.projection + " generation " + number_ +
                        " is not loaded yet: its tables have no keys");
  }
  if (found.text(0, 1) == "t") return;
  throw Fenced(batch.live ? "the generation is not live any more"
                          : "the generation is live, or would be ahead of the live one");
}

void PostgresSink::advance(const FlushBatch& batch) {
  const PgResult moved = connection_.run(
      "UPDATE sluice.position SET position = $7, digest = $8, record_time = nullif($9, "
      "'')::timestamptz, "
      "log_end = $10, log_identity = coalesce(log_identity, nullif($13, '')), "
      "published = published + $12, "
      "published_at = CASE WHEN $12 = 0 THEN published_at ELSE now() END, updated_at = now() "
      "WHERE projection = $1 AND generation = $2 AND partition = $3 "
      "AND owner = $4 AND position = $5 AND digest = $6 AND published = $11",
      {config_.projection, number_, text(batch.partition.value), batch.owner,
       text(batch.from.value), digest_text(batch.digest_at_from), text(batch.to.value),
       digest_text(batch.digest_at_to), record_time_text(batch.record_time),
       text(batch.log_end.value), text(batch.published_at_from), batch.computed.empty() ? "0" : "1",
       batch.log ? batch.log->text : ""});
  if (moved.changed() == 0) throw Fenced("the partition has another owner or position");
}

std::vector<std::optional<ViewPosition>> PostgresSink::show_progress(
    std::span<const LogProgress> progress) {
  open_session();
  write_heartbeats(connection_, config_.projection, number_, progress);
  require_tables();
  std::vector<std::optional<ViewPosition>> now(progress.size());
  if (progress.empty()) return now;
  const PgResult rows = connection_.run(kPositions, {config_.projection, number_});
  std::map<Partition, ViewPosition> all;
  for (int i = 0; i < rows.rows(); ++i) {
    all.emplace(Partition{static_cast<std::int32_t>(rows.number(i, 9))}, view_of(rows, i));
  }
  for (std::size_t i = 0; i < progress.size(); ++i) {
    const auto found = all.find(progress[i].partition);
    if (found != all.end() && found->second.owner == progress[i].owner) now[i] = found->second;
  }
  return now;
}

// Nothing reports that a quiet view lost tables, columns or rights: it has to be asked for.
void PostgresSink::require_tables() {
  constexpr std::chrono::seconds kBetween{5};
  const auto now = std::chrono::steady_clock::now();
  if (now < next_look_) return;
  ArrayText tables, fields, views;
  for (const auto& [row, plan] : plans_) {
    const std::string name = names_of(*row).table;
    // Readers are not shown the engine's.
    if (row != &emission_row()) views.add(table_name(*row));
    for (const Column& column : plan.columns) {
      tables.add(name);
      fields.add(column.field->name());
    }
  }
  for (const char* own :
       {"sluice.position", "sluice.rejection", "sluice.quarantine", "sluice.decision"}) {
    tables.add(own);
    fields.add("position");
  }
  const PgResult missing = connection_.run(
      "SELECT DISTINCT w.name, CASE WHEN o.oid IS NULL THEN 'is not there' "
      "WHEN a.attname IS NULL THEN 'has no column ' || w.field "
      "ELSE 'may not be written by ' || current_user END, a.attname IS NULL "
      "FROM unnest($1::text[], $2::text[]) AS w(name, field) "
      "CROSS JOIN LATERAL (SELECT to_regclass(w.name)::oid AS oid) AS o "
      "LEFT JOIN pg_attribute a ON a.attrelid = o.oid AND a.attname = w.field "
      "AND NOT a.attisdropped WHERE a.attname IS NULL OR NOT (has_table_privilege(o.oid, 'SELECT') "
      "AND has_table_privilege(o.oid, 'INSERT') AND has_table_privilege(o.oid, 'UPDATE') "
      "AND has_table_privilege(o.oid, 'DELETE')) ORDER BY 1, 2 LIMIT 1",
      {tables.text(), fields.text()});
  if (missing.rows() == 0) {
    require_views(views.text());
  } else {
    // Of what is not there the rows went, too; a right comes back with a GRANT.
    const bool lost = missing.text(0, 2) == "t" && !missing.text(0, 0).starts_with("sluice.");
    throw Misconfigured("the published table " + std::string(missing.text(0, 0)) + " " +
                        std::string(missing.text(0, 1)) +
                        (lost ? ": restore it, or let `sluice schema apply --refold " +
                                    config_.projection +
                                    "` make it, empty the view and fold the log anew"
                              : ": run `sluice schema apply` as the owner of the tables, or "
                                "GRANT sluice_writer TO this user"));
  }
  next_look_ = now + kBetween;
}

// What readers read: rows that nobody can see are as good as none.
void PostgresSink::require_views(const std::string& names) {
  const PgResult missing = connection_.run(
      // By the catalogue: a schema for readers may be closed to us.
      "SELECT v.name FROM unnest($1::text[]) AS v(name) JOIN sluice.projection g "
      "ON g.projection = $2 AND g.generation = $3 AND g.live WHERE NOT EXISTS ("
      "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = $2 AND c.relname = v.name) ORDER BY 1 LIMIT 1",
      {names, config_.projection, number_});
  if (missing.rows() == 0) return;
  throw Misconfigured("the view " + config_.projection + "." + std::string(missing.text(0, 0)) +
                      " that readers read is not there: `sluice schema apply` makes it");
}

}  // namespace sluice

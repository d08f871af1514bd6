#include "storage/postgres/postgres_builder.h"

#include <chrono>
#include <thread>

#include "storage/base/check.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

// Of making all keys and indexes of a generation.
constexpr std::chrono::hours kLongest{24};
constexpr std::size_t kPiece = 256 * 1024;

std::string text(std::int64_t value) { return std::to_string(value); }

}  // namespace

std::map<Partition, Offset> PostgresBuilder::live_positions() {
  sink_.open_session();
  const PgResult rows = sink_.connection_.run(
      "SELECT p.partition, p.position, coalesce(n.hurries_until > now(), false) "
      "FROM sluice.position p JOIN sluice.projection g USING (projection, generation) "
      "LEFT JOIN sluice.projection n ON n.projection = $1 AND n.generation = $2 "
      "WHERE p.projection = $1 AND g.live",
      {sink_.config_.projection, sink_.number_});
  hurries_ = rows.rows() > 0 && rows.text(0, 2) == "t";
  std::map<Partition, Offset> all;
  for (int i = 0; i < rows.rows(); ++i) {
    all.emplace(Partition{static_cast<std::int32_t>(rows.number(i, 0))}, Offset{rows.number(i, 1)});
  }
  return all;
}

void PostgresBuilder::note(const BulkNote& note) {
  sink_.explained([&] {
    sink_.prepare_session();
    PgConnection& connection = sink_.connection_;
    try {
      connection.run("BEGIN");
      const PgResult moved = connection.run(
          "UPDATE sluice.position SET folded = greatest(folded, $5), "
          "digest = CASE WHEN folded < $5 THEN $7 ELSE digest END, log_end = $6, "
          "updated_at = now() WHERE projection = $1 AND generation = $2 AND partition = $3 "
          "AND owner = $4 AND NOT loaded",
          {sink_.config_.projection, sink_.number_, text(note.partition.value), note.owner,
           text(note.folded.value), text(note.log_end.value),
           text(static_cast<std::int64_t>(note.digest.value))});
      if (moved.changed() == 0) throw Fenced("the partition has another owner, or is loaded");
      sink_.write_refused({note.partition, note.rejections, note.quarantined, note.unquarantined,
                           note.aged_out, note.decisions});
      if (connection.commit() == PgConnection::Commit::in_doubt)
        throw Retryable("whether a note was committed is not known");
    } catch (const Error&) {
      connection.roll_back();
      throw;
    }
  });
}

FlushOutcome PostgresBuilder::load(const LoadBatch& batch) {
  return sink_.explained([&] {
    sink_.prepare_session();
    PgConnection& connection = sink_.connection_;
    try {
      begin_load(batch);
      for (const TableSource& table : batch.tables) copy(table, batch.share);
      if (batch.due) copy_due(batch);
      crash_point(CrashPoint("load.rows_copied"));
      return connection.commit() == PgConnection::Commit::done ? FlushOutcome::committed
                                                               : FlushOutcome::in_doubt;
    } catch (const Error&) {
      connection.roll_back();
      throw;
    }
  });
}

// The server puts no limit on a COPY; each piece of it has ours.
void PostgresBuilder::begin_load(const LoadBatch& batch) {
  PgConnection& connection = sink_.connection_;
  connection.run(std::string(PostgresSink::kBegin) + "; SET LOCAL statement_timeout = 0");
  const PgResult moved = connection.run(
      "UPDATE sluice.position SET position = $5, digest = $6, record_time = nullif($7, "
      "'')::timestamptz, log_end = $8, "
      "log_identity = coalesce(log_identity, nullif($9, '')), loaded = true, updated_at = now() "
      "WHERE projection = $1 AND generation = $2 AND partition = $3 AND owner = $4 "
      "AND NOT loaded AND position = 0 AND folded <= $5",
      {sink_.config_.projection, sink_.number_, text(batch.partition.value), batch.owner,
       text(batch.to.value), text(static_cast<std::int64_t>(batch.digest.value)),
       record_time_text(batch.record_time), text(batch.log_end.value),
       batch.log ? batch.log->text : ""});
  if (moved.changed() == 0) {
    throw Fenced("the partition has another owner, is loaded, or was folded further");
  }
  // The live position only grows, so that one look before the rows are copied is enough.
  const PgResult live = connection.run(
      "SELECT FROM sluice.position p JOIN sluice.projection g USING (projection, generation) "
      "WHERE projection = $1 AND g.live AND p.partition = $2 AND p.position >= $3",
      {sink_.config_.projection, text(batch.partition.value), text(batch.to.value)});
  if (live.rows() == 0) throw Fenced("the live generation is not there yet");
}

void PostgresBuilder::copy(const TableSource& table, double share) {
  const auto found = sink_.plans_.find(table.row);
  CHECK(found != sink_.plans_.end(),
        "only published rows are loaded, and the sink was told of them");
  const PostgresSink::Names names = sink_.names_of(*table.row);
  const std::string sql = "COPY " + names.table + " (" + joined(names.all) + ") FROM STDIN";
  sink_.connection_.begin_copy(sql);
  std::string& lines = sink_.lines_;
  lines.clear();
  auto begun = std::chrono::steady_clock::now();
  while (const google::protobuf::Message* row = table.next()) {
    append_line(*row, found->second.columns, false, lines, sink_.scratch_);
    if (lines.size() < kPiece) continue;
    sink_.connection_.put_copy(lines);
    lines.clear();
    const auto worked = std::chrono::steady_clock::now() - begun;
    std::this_thread::sleep_for(worked * (1 - share) / share);
    begun = std::chrono::steady_clock::now();
  }
  sink_.connection_.put_copy(lines);
  sink_.connection_.end_copy(sql);
}

void PostgresBuilder::copy_due(const LoadBatch& batch) {
  const std::string sql = "COPY sluice.due (projection, generation, partition, key) FROM STDIN";
  std::string begin;
  append_escaped(sink_.config_.projection, begin);
  begin += "\t" + sink_.number_ + "\t" + text(batch.partition.value) + "\t";
  sink_.connection_.begin_copy(sql);
  std::string& lines = sink_.lines_;
  lines.clear();
  while (const std::string* key = batch.due()) {
    lines += begin;
    append_escaped(*key, lines);
    lines += '\n';
    if (lines.size() < kPiece) continue;
    sink_.connection_.put_copy(lines);
    lines.clear();
  }
  sink_.connection_.put_copy(lines);
  sink_.connection_.end_copy(sql);
}

BuildPhase PostgresBuilder::phase_of(const PgResult& answer) const {
  if (answer.null(0, 0)) {
    throw Misconfigured(sink_.config_.projection + " generation " + sink_.number_ +
                        " is retired: nobody builds it any more");
  }
  const std::string_view word = answer.text(0, 0);
  if (word == "following") return BuildPhase::following;
  if (word == "indexing") return BuildPhase::indexing;
  return word == "loading" ? BuildPhase::loading : BuildPhase::folding;
}

BuildPhase PostgresBuilder::advance() {
  sink_.open_session();
  PgConnection& connection = sink_.connection_;
  // In a transaction of its own: people are to see that keys are being made.
  const BuildPhase noted = phase_of(connection.run("SELECT sluice.note_phase($1, $2::integer)",
                                                   {sink_.config_.projection, sink_.number_}));
  if (noted != BuildPhase::indexing) return noted;
  try {
    connection.run("BEGIN");
    connection.allow(kLongest);
    const BuildPhase made = phase_of(connection.run("SELECT sluice.make_keys($1, $2::integer)",
                                                    {sink_.config_.projection, sink_.number_}));
    crash_point(CrashPoint("generation.keys_made"));
    // Where the answer is lost, the next call sees what became of it.
    return connection.commit() == PgConnection::Commit::done ? made : BuildPhase::indexing;
  } catch (const Error&) {
    connection.roll_back();
    throw;
  }
}

void PostgresBuilder::note_ready(std::int64_t records) {
  sink_.open_session();
  sink_.connection_.run("SELECT sluice.note_ready($1, $2::integer, $3::bigint)",
                        {sink_.config_.projection, sink_.number_, text(records)});
}

}  // namespace sluice

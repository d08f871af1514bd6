#include <catch2/catch.hpp>

#include "deliberation/tables.pb.h"
#include "schemas/descriptors/row_options.h"
#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/private_cluster.h"
#include "storage/postgres/schema.h"
#include "tests/integration/fresh_database.h"
#include "tests/support/temp_dir.h"

using namespace sluice;
using sluice::testing::fresh_database;
using sluice::testing::TempDir;

namespace {

const auto* const kTables = deliberation::Ballot::descriptor() -> file();

void apply(const std::string& url, int partitions = 4) {
  const PublishedSchema schema{
      .domain = "deliberation", .tables = kTables, .version = 1, .partitions = partitions};
  apply_schema(url, {&schema, 1});
}

PostgresSink sink_on(const std::string& url) {
  return PostgresSink({url, "deliberation", 1, published_rows(*kTables)});
}

std::string value(const std::string& url, const std::string& sql) {
  const PgResult result = PgConnection(url).run(sql);
  REQUIRE(result.rows() == 1);
  return std::string(result.text(0, 0));
}

FlushBatch batch_of(std::string_view owner, int from, int to, std::span<const RowChanges> rows) {
  FlushBatch batch{};
  batch.owner = owner;
  batch.from = Offset{from};
  batch.digest_at_from = Digest{static_cast<std::uint64_t>(from) * 0x9e3779b97f4a7c15u};
  batch.to = Offset{to};
  batch.digest_at_to = Digest{static_cast<std::uint64_t>(to) * 0x9e3779b97f4a7c15u};
  batch.record_time = Time{std::chrono::milliseconds{1'767'323'045'678}};
  batch.log_end = Offset{to};
  batch.rows = rows;
  return batch;
}

deliberation::Ballot ballot(const std::string& opinion) {
  deliberation::Ballot row;
  row.set_conversation_id("c");
  row.set_participant_id("p");
  row.set_votes("{\"" + opinion + "\":\"agree\"}");
  row.set_vote_count(1);
  row.set_first_voted_at(1'767'323'045'678);
  return row;
}

}  // namespace

TEST_CASE("what is fixed with a generation is as it was when the schema was applied first") {
  using std::chrono::hours;
  const std::string url = fresh_database();
  PublishedSchema schema{.domain = "deliberation",
                         .tables = kTables,
                         .dedupe_horizon = hours(3),
                         .quarantine_retention = hours(5)};
  for (int times = 0; times < 2; ++times) {
    apply_schema(url, {&schema, 1});
    const Generation generation = sink_on(url).generation();
    CHECK(generation.dedupe_horizon == hours(3));
    CHECK(generation.quarantine_retention == hours(5));
    schema.dedupe_horizon = schema.quarantine_retention = hours(7);
  }
}

TEST_CASE("applying the schema again changes nothing; other partitions are refused") {
  const std::string url = fresh_database();
  apply(url);
  const std::string id = value(url, "SELECT unique_id FROM sluice.projection");
  apply(url);
  CHECK(value(url, "SELECT unique_id FROM sluice.projection") == id);
  CHECK_THROWS_AS(apply(url, 5), Misconfigured);
}

TEST_CASE("a fenced flush changes nothing, whatever it carried") {
  const std::string url = fresh_database();
  apply(url);
  PostgresSink zombie = sink_on(url);
  PostgresSink owner = sink_on(url);
  zombie.claim(Partition{0}, "zombie");
  owner.claim(Partition{0}, "owner");
  const deliberation::Ballot row = ballot("o1");
  const RowChanges rows{deliberation::Ballot::descriptor(), {&row}, {}};
  const Rejection rejection{Offset{3}, "e", "vote.set", "c", "why", Time{}};
  FlushBatch batch = batch_of("zombie", 0, 5, {&rows, 1});
  batch.rejections = {&rejection, 1};
  CHECK_THROWS_AS(zombie.flush(batch), Fenced);
  CHECK(value(url, "SELECT count(*) FROM deliberation.ballot") == "0");
  CHECK(value(url, "SELECT count(*) FROM sluice.rejection") == "0");
  batch.owner = "owner";
  CHECK(owner.flush(batch) == FlushOutcome::committed);
  CHECK_THROWS_AS(owner.flush(batch), Fenced);
  CHECK(value(url, "SELECT count(*) FROM sluice.rejection") == "1");
  CHECK(owner.position(Partition{0})->position == Offset{5});
  CHECK(owner.position(Partition{0})->digest == batch.digest_at_to);
}

TEST_CASE("what was folded without a time of its own leaves none") {
  const std::string url = fresh_database();
  apply(url);
  PostgresSink sink = sink_on(url);
  sink.claim(Partition{0}, "me");
  FlushBatch garbage = batch_of("me", 0, 1, {});
  garbage.record_time = {};
  REQUIRE(sink.flush(garbage) == FlushOutcome::committed);
  CHECK(value(url, "SELECT record_time IS NULL FROM sluice.freshness WHERE partition = 0") == "t");
  REQUIRE(sink.flush(batch_of("me", 1, 2, {})) == FlushOutcome::committed);
  CHECK(value(url, "SELECT record_time IS NULL FROM sluice.freshness WHERE partition = 0") == "f");
}

TEST_CASE("of a log that ends before its view nobody says that nothing lags") {
  const std::string url = fresh_database();
  apply(url);
  PostgresSink sink = sink_on(url);
  sink.claim(Partition{0}, "me");
  REQUIRE(sink.flush(batch_of("me", 0, 11, {})) == FlushOutcome::committed);
  const LogProgress word{Partition{0}, Offset{8}, "me", "the log ends at 8"};
  REQUIRE(sink.show_progress({{word}}).at(0));
  CHECK(value(url,
              "SELECT concat_ws(' ', position, log_end, coalesce(lag::text, 'null')) "
              "FROM sluice.freshness WHERE partition = 0") == "11 8 null");
}

TEST_CASE("only rows whose values differ are written, and erased ones go") {
  const std::string url = fresh_database();
  apply(url);
  PostgresSink sink = sink_on(url);
  sink.claim(Partition{0}, "me");
  deliberation::Ballot row = ballot("o1");
  RowChanges rows{deliberation::Ballot::descriptor(), {&row}, {}};
  sink.flush(batch_of("me", 0, 1, {&rows, 1}));
  const std::string place = "SELECT xmin || ' ' || ctid FROM deliberation_g1.ballot";
  const std::string before = value(url, place);
  sink.flush(batch_of("me", 1, 2, {&rows, 1}));
  CHECK(value(url, place) == before);
  row.set_vote_count(2);
  sink.flush(batch_of("me", 2, 3, {&rows, 1}));
  CHECK(value(url, place) != before);
  rows = {deliberation::Ballot::descriptor(), {}, {&row}};
  sink.flush(batch_of("me", 3, 4, {&rows, 1}));
  CHECK(value(url, "SELECT count(*) FROM deliberation.ballot") == "0");
}

TEST_CASE("text and JSON survive, whatever they hold; times are exact") {
  const std::string url = fresh_database();
  const auto* tables = shapes::EveryType::descriptor()->file();
  const PublishedSchema schema{.domain = "shapes", .tables = tables, .version = 1, .partitions = 4};
  apply_schema(url, {&schema, 1});
  PostgresSink sink({url, "shapes", 1, published_rows(*tables)});
  sink.claim(Partition{0}, "me");
  const std::string text = GENERATE(as<std::string>{}, "", "\\N", "\\.", "a\tb\nc\rd\\", "\"'{}",
                                    "\x01\x1f\x7f", "\xf0\x9f\x97\xb3 \xe2\x80\xa8", "\\u0000");
  shapes::EveryType row;
  row.set_text_key(text);
  row.set_text(text);
  (*row.mutable_votes())[text] = shapes::CHOICE_AGREE;
  row.set_document(R"({"a": "b\\c"})");
  row.set_at(-62'198'755'200'001);
  row.set_remembered("not published");
  const RowChanges rows[] = {{shapes::EveryType::descriptor(), {&row}, {}}};
  sink.flush(batch_of("me", 0, 1, rows));
  CHECK(value(url, "SELECT text_key FROM shapes.every_type") == text);
  CHECK(value(url, "SELECT text FROM shapes.every_type") == text);
  CHECK(value(url, "SELECT jsonb_object_keys(votes) FROM shapes.every_type") == text);
  CHECK(value(url, "SELECT votes ->> jsonb_object_keys(votes) FROM shapes.every_type") == "agree");
  CHECK(value(url, "SELECT document ->> 'a' FROM shapes.every_type") == "b\\c");
  CHECK(value(url, "SELECT (extract(epoch FROM at) * 1000)::bigint FROM shapes.every_type") ==
        "-62198755200001");
  CHECK(value(url, "SELECT choice FROM shapes.every_type") == "none");
  CHECK(value(url,
              "SELECT count(*) FROM information_schema.columns WHERE column_name = 'remembered'") ==
        "0");
}

TEST_CASE("who shows progress hears that what is published to is not there, or not to be written") {
  const std::string url = fresh_database();
  apply(url);
  PostgresSink(sink_on(url)).claim(Partition{0}, "me");
  const auto [change, says] = GENERATE(Catch::Generators::table<const char*, const char*>(
      {{"DROP TABLE deliberation_g1.ballot CASCADE", "\"ballot\" is not there"},
       {"DROP SCHEMA deliberation_g1 CASCADE", "is not there"},
       {"ALTER TABLE deliberation_g1.ballot DROP COLUMN vote_count CASCADE",
        "\"ballot\" has no column vote_count"}}));
  PgConnection(url).run(change);
  PostgresSink sink = sink_on(url);
  const std::vector<LogProgress> progress{{Partition{0}, Offset{9}, "me", "why"}};
  CHECK_THROWS_WITH(sink.show_progress(progress), Catch::Contains(says));
  CHECK_THROWS_AS(sink.show_progress(progress), Misconfigured);
  // It is said all the same.
  CHECK(value(url, "SELECT trouble FROM sluice.freshness WHERE partition = 0") == "why");
}

TEST_CASE("every partition is shown, also one that nobody has; no lag is 0 without an owner") {
  const std::string url = fresh_database();
  apply(url);
  const auto shown = [&](const std::string& what, int partition) {
    return value(url, "SELECT coalesce((" + what +
                          ")::text, 'null') FROM sluice.freshness "
                          "WHERE partition = " +
                          std::to_string(partition));
  };
  CHECK(value(url, "SELECT count(*) FROM sluice.freshness") == "4");
  CHECK(shown("lag", 1) == "null");
  CHECK_THAT(shown("trouble", 1), Catch::Contains("no process has taken it yet"));
  PostgresSink sink = sink_on(url);
  sink.claim(Partition{1}, "db1:4711:x/0/1");
  CHECK(shown("lag", 1) == "0");
  CHECK(shown("trouble", 1) == "");
  CHECK(shown("owned", 1) == "true");
  LogProgress word{Partition{1}, Offset{7}, "db1:4711:x/0/1", ""};
  CHECK(sink.show_progress({{word}}).at(0).has_value());
  CHECK(shown("lag", 1) == "7");
  word.leaves = true;
  CHECK(sink.show_progress({{word}}).at(0).has_value());
  CHECK(shown("lag", 1) == "null");
  CHECK_THAT(shown("trouble", 1), Catch::Contains("no process projects it since 2") &&
                                      Catch::Contains("process 4711 on db1 let go of it"));
  // A process that is to have it and cannot: why, and what it knows of the log.
  const LogProgress other{Partition{1}, Offset{9}, "", "its folder is closed"};
  CHECK_FALSE(sink.show_progress({{other}}).at(0).has_value());
  CHECK(shown("trouble", 1) == "its folder is closed");
  CHECK(shown("lag", 1) == "9");
  PgConnection(url).run(
      "UPDATE sluice.heartbeat SET contender_at = now() - interval '6 s', "
      "released = false, seen_at = now() - interval '6 s';"
      "UPDATE sluice.position SET updated_at = now() - interval '1 h'");
  CHECK(shown("lag", 1) == "null");
  CHECK_THAT(shown("trouble", 1), Catch::Contains("process 4711 on db1 was heard last"));
}

TEST_CASE("ages are never negative, and a clock that was set back makes nobody live") {
  const std::string url = fresh_database();
  apply(url);
  PostgresSink sink = sink_on(url);
  sink.claim(Partition{0}, "me");
  PgConnection(url).run(
      "UPDATE sluice.heartbeat SET seen_at = now() + interval '2 h', due = 1, "
      "due_since = now() + interval '2 h';"
      "UPDATE sluice.position SET updated_at = now() + interval '2 h', "
      "published_at = now() + interval '2 h', record_time = now() + interval '2 h'");
  CHECK(value(url,
              "SELECT age >= '0' AND NOT owned AND lag IS NULL FROM sluice.freshness "
              "WHERE partition = 0") == "t");
  CHECK(value(url, "SELECT oldest_due >= '0' AND published_age >= '0' FROM sluice.computation") ==
        "t");
  CHECK(sink.position(Partition{0})->silent >= kOwnerGone);
  PgConnection(url).run("UPDATE sluice.heartbeat SET log_end = 5, seen_at = now()");
  CHECK(value(url, "SELECT age >= '0' AND lag = 5 FROM sluice.freshness WHERE partition = 0") ==
        "t");
}

TEST_CASE("a session that was ended is Retryable, and the next flush has a new one") {
  const std::string url = fresh_database();
  apply(url);
  PostgresSink sink = sink_on(url);
  sink.claim(Partition{0}, "me");
  value(url,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  CHECK_THROWS_AS(sink.flush(batch_of("me", 0, 1, {})), Retryable);
  CHECK(sink.flush(batch_of("me", 0, 1, {})) == FlushOutcome::committed);
}

TEST_CASE("wait_for: reached, not reached, empty, malformed, and where the snapshot cannot move") {
  const std::string url = fresh_database();
  apply(url);
  PostgresSink sink = sink_on(url);
  sink.claim(Partition{0}, "me");
  sink.flush(batch_of("me", 0, 7, {}));
  CHECK(value(url, "SELECT sluice.wait_for('deliberation:0@7')") == "t");
  CHECK(value(url, "SELECT sluice.wait_for('')") == "t");
  CHECK(value(url, "SELECT sluice.wait_for('deliberation:0@7,deliberation:1@1', '10 ms')") == "f");
  CHECK_THROWS_AS(value(url, "SELECT sluice.wait_for('deliberation:0')"), Error);
  PgConnection still(url);
  still.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
  CHECK_THROWS_AS(still.run("SELECT sluice.wait_for('deliberation:0@7')"), Error);
  CHECK(value(url, "SELECT lag FROM sluice.freshness WHERE partition = 0") == "0");
}

TEST_CASE("a cluster keeps its rows over a stop, and takes over a server that was left behind") {
  TempDir folder;
  pid_t left = 0;
  {
    PrivateCluster cluster(folder.path() / "cluster");
    PgConnection(cluster.url()).run("CREATE TABLE kept AS SELECT 1 AS one");
    left = cluster.pid();
    PrivateCluster second(folder.path() / "cluster");
    CHECK(second.pid() != left);
    CHECK(value(second.url(), "SELECT one FROM kept") == "1");
  }
  PrivateCluster again(folder.path() / "cluster");
  CHECK(value(again.url(), "SELECT one FROM kept") == "1");
}

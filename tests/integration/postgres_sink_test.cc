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
  CHECK(value(url, "SELECT lag FROM sluice.freshness") == "0");
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

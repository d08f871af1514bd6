// What building in Postgres promises beyond the contract: sessions that wait for each other, that
// end in the middle, and that may only write rows.

#include "storage/postgres/postgres_builder.h"

#include <catch2/catch.hpp>
#include <future>

#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "tests/contract/building.h"
#include "tests/contract/generation_builder_contract.h"
#include "tests/integration/built_shapes.h"
#include "tests/integration/commit_thief.h"
#include "tests/integration/fresh_database.h"
#include "tests/integration/postgres_seen.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

constexpr Partition kZero{0};
constexpr Partition kOne{1};

// Two statements: for no moment two are live.
constexpr const char* kSwap =
    "UPDATE sluice.projection SET live = false, status = 'standing' WHERE live;"
    "UPDATE sluice.projection SET live = true, status = 'live' WHERE generation = 2";

class PostgresBuilderUnderTest final : public BuilderUnderTest {
 public:
  ProjectionSink& live() override { return live_.sink; }
  ProjectionSink& sink() override { return built_.sink; }
  GenerationBuilder& builder() override { return built_.builder; }
  void lose_next_answer(bool went_through) override {
    thief_.steal(went_through ? CommitThief::Steals::answer : CommitThief::Steals::commit);
  }
  BuildingSession another() override { return session_of(2); }
  BuildingSession another_of_live() override { return session_of(1); }
  void swap() override { shapes_.ask(kSwap); }
  void hurry(bool hurries) override {
    shapes_.ask(std::string("UPDATE sluice.projection SET hurries_until = now() + interval '") +
                (hurries ? "1 hour" : "-1 s") + "' WHERE generation = 2");
  }
  [[nodiscard]] const SeenView& seen() const override { return seen_; }
  [[nodiscard]] bool ready() const override {
    return shapes_.value("SELECT status FROM sluice.projection WHERE generation = 2") == "ready";
  }

 private:
  BuildingSession session_of(int generation) const {
    auto sink = std::make_unique<PostgresSink>(
        PostgresSinkConfig{shapes_.url(),
                           "shapes",
                           generation,
                           {shapes::EveryType::descriptor(), shapes::OnlyKey::descriptor()}});
    auto builder = std::make_unique<PostgresBuilder>(*sink);
    return {std::move(sink), std::move(builder)};
  }

  BuiltShapes shapes_;
  CommitThief thief_{shapes_.url()};
  ShapesSession live_{shapes_.url(), 1};
  ShapesSession built_{thief_.url(), 2};
  PostgresSeen seen_{shapes_.url(), 2};
};

// Whether a session waits for a lock in a statement that begins so.
bool waits(const BuiltShapes& shapes, const std::string& statement) {
  return shapes.value(
             "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
             "AND datname = current_database() AND query LIKE '" +
             statement + "%'") != "0";
}

template <class Work>
auto in_background(Work work) {
  return std::async(std::launch::async, work);
}

}  // namespace

TEST_CASE("the builder on Postgres keeps the contract") {
  generation_builder_contract([] { return std::make_unique<PostgresBuilderUnderTest>(); });
}

TEST_CASE("a flush that waits while readers are given another generation sees that they are") {
  const BuiltShapes shapes;
  ShapesSession live(shapes.url(), 1);
  live.sink.claim(kZero, "live");
  flush_ids(live.sink, kZero, "live", true, 0, 5, {"a"});
  PgConnection swapping(shapes.url());
  swapping.run("BEGIN; SELECT FROM sluice.position WHERE generation = 1 FOR UPDATE");
  auto flush = in_background([&] {
    try {
      flush_ids(live.sink, kZero, "live", true, 5, 6, {"b"});
      return std::string("committed");
    } catch (const Fenced&) {
      return std::string("fenced");
    }
  });
  REQUIRE(eventually([&] { return waits(shapes, "UPDATE sluice.position"); }));
  swapping.run(kSwap);
  swapping.run("COMMIT");
  CHECK(flush.get() == "fenced");
  CHECK(shapes.value("SELECT position FROM sluice.position WHERE generation = 1") == "5");
  CHECK(shapes.value("SELECT string_agg(id, ' ') FROM shapes_g1.only_key") == "a");
}

TEST_CASE("applying the schema does not deadlock with a flush that asks who is live") {
  const BuiltShapes shapes;
  ShapesSession live(shapes.url(), 1);
  live.sink.claim(kZero, "live");
  // Holds the flush in its middle.
  PgConnection reader(shapes.url());
  reader.run("BEGIN; LOCK TABLE shapes_g1.only_key IN ACCESS EXCLUSIVE MODE");
  auto flush =
      in_background([&] { return flush_ids(live.sink, kZero, "live", true, 0, 5, {"a"}); });
  REQUIRE(eventually([&] { return waits(shapes, "INSERT INTO \"shapes_g1\""); }));
  auto applier = in_background([&] {
    PgConnection connection(shapes.url());
    connection.run(
        "BEGIN; ALTER TABLE sluice.projection ADD COLUMN IF NOT EXISTS log text;"
        "ALTER TABLE sluice.position ADD COLUMN IF NOT EXISTS published bigint; COMMIT");
  });
  REQUIRE(eventually([&] { return waits(shapes, "BEGIN; ALTER TABLE sluice.projection"); }));
  reader.run("COMMIT");
  CHECK(flush.get() == FlushOutcome::committed);
  CHECK_NOTHROW(applier.get());
}

TEST_CASE("readers are notified of the live generation only") {
  const BuiltShapes shapes;
  ShapesSession live(shapes.url(), 1);
  ShapesSession built(shapes.url(), 2);
  for (const Partition partition : {kZero, kOne}) {
    live.sink.claim(partition, "live");
    built.sink.claim(partition, "me");
    load_ids(built.builder, partition, "me", 0, {});
  }
  REQUIRE(built.builder.advance() == BuildPhase::following);
  PgConnection reader(shapes.url());
  reader.run("LISTEN sluice");
  // What notifies at last has been given, before its answer, all that came before.
  const auto heard = [&] {
    reader.run("NOTIFY aside");
    return reader.notified(std::chrono::milliseconds(0));
  };
  CHECK_FALSE(heard());
  flush_ids(live.sink, kZero, "live", true, 0, 5);
  CHECK(heard());
  flush_ids(built.sink, kZero, "me", false, 0, 5);
  CHECK_FALSE(heard());
  flush_ids(live.sink, kZero, "live", true, 5, 6);
  CHECK(heard());
}

TEST_CASE("keys and indexes are made once all is loaded") {
  BuiltShapes shapes;
  CHECK(shapes.keys() == "0 0");
  shapes.load();
  ShapesSession built(shapes.url(), 2);
  CHECK(shapes.keys() == "0 0");
  CHECK(built.builder.advance() == BuildPhase::following);
  CHECK(shapes.keys() == "4 1");
  // The planner knows what is there, too.
  CHECK(shapes.value("SELECT reltuples FROM pg_class WHERE oid = 'shapes_g2.only_key'::regclass") ==
        "2");
  CHECK(shapes.value("SELECT phase FROM sluice.projection WHERE generation = 2") == "following");
  // What it is made of is what a live one is made of.
  for (const char* what :
       {"SELECT string_agg(concat_ws(' ', table_name, column_name, data_type, is_nullable, "
        "column_default, collation_name), ',' ORDER BY table_name, ordinal_position) "
        "FROM information_schema.columns WHERE table_schema = 'shapes_gN'",
        "SELECT string_agg(replace(indexdef, schemaname, ''), ',' ORDER BY indexname) "
        "FROM pg_indexes WHERE schemaname = 'shapes_gN'",
        "SELECT string_agg(DISTINCT grantee || table_name || privilege_type, ',') "
        "FROM information_schema.role_table_grants WHERE table_schema = 'shapes_gN'",
        "SELECT string_agg(relname || reloptions::text || coalesce(obj_description(oid), ''), ',' "
        "ORDER BY relname) FROM pg_class WHERE relkind = 'r' "
        "AND relnamespace::regnamespace::text = 'shapes_gN'"}) {
    const auto of = [&](const std::string& schema) {
      std::string sql = what;
      sql.replace(sql.find("shapes_gN"), 9, schema);
      return shapes.value(sql);
    };
    CHECK(of("shapes_g2") == of("shapes_g1"));
  }
}

TEST_CASE("a process that dies while it makes keys leaves none, and another makes them") {
  BuiltShapes shapes;
  shapes.load();
  // The last table cannot have its key yet: the others have theirs, in the transaction.
  PgConnection reader(shapes.url());
  reader.run("BEGIN; SELECT FROM shapes_g2.only_key");
  auto making = in_background([&] {
    ShapesSession built(shapes.url(), 2);
    CHECK_THROWS_AS(built.builder.advance(), Retryable);
  });
  REQUIRE(eventually([&] { return waits(shapes, "SELECT sluice.make_keys"); }));
  CHECK(shapes.value("SELECT phase FROM sluice.projection WHERE generation = 2") == "indexing");

  // Nobody waits for who makes them.
  ShapesSession other(shapes.url(), 2);
  CHECK(other.builder.advance() == BuildPhase::indexing);

  shapes.ask(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
      "AND query LIKE 'SELECT sluice.make_keys%' AND wait_event_type = 'Lock'");
  making.get();
  CHECK(shapes.keys() == "0 0");
  CHECK(shapes.value("SELECT phase FROM sluice.projection WHERE generation = 2") == "indexing");
  CHECK_THROWS_AS(flush_ids(other.sink, kZero, "me", false, 10, 10), Misconfigured);

  reader.run("COMMIT");
  CHECK(other.builder.advance() == BuildPhase::following);
  CHECK(shapes.keys() == "4 1");
}

TEST_CASE("a load that another session is doing decides what becomes of a second one") {
  BuiltShapes shapes;
  ShapesSession live(shapes.url(), 1);
  live.sink.claim(kZero, "live");
  flush_ids(live.sink, kZero, "live", true, 0, 10);
  ShapesSession first(shapes.url(), 2);
  ShapesSession second(shapes.url(), 2);
  first.sink.claim(kZero, "me");
  // Its session is ready by then.
  CHECK_THROWS_AS(Refusals({}).note(second.builder, kZero, "zombie", 0), Fenced);
  // Holds the first load in its middle, with the position's row.
  PgConnection reader(shapes.url());
  reader.run("BEGIN; LOCK TABLE shapes_g2.every_type IN ACCESS EXCLUSIVE MODE");
  auto loading = in_background([&] { return load_ids(first.builder, kZero, "me", 5, {"a"}); });
  REQUIRE(eventually([&] { return waits(shapes, "COPY \"shapes_g2\""); }));
  // As after a lost answer: the same load again, while the first one runs in the server.
  auto again = in_background([&] {
    try {
      load_ids(second.builder, kZero, "me", 5, {"a"});
      return std::string("committed");
    } catch (const Fenced&) {
      return std::string("fenced");
    }
  });
  REQUIRE(eventually([&] { return waits(shapes, "UPDATE sluice.position SET position"); }));
  reader.run("COMMIT");
  CHECK(loading.get() == FlushOutcome::committed);
  CHECK(again.get() == "fenced");
  CHECK(shapes.value("SELECT count(*) FROM shapes_g2.only_key") == "1");
}

TEST_CASE("who may only write rows can build a generation, and do no more") {
  BuiltShapes shapes;
  PgConnection(superuser_of(shapes.url()))
      .run(
          "DROP ROLE IF EXISTS folder; CREATE ROLE folder LOGIN PASSWORD 'secret' "
          "IN ROLE sluice_writer; GRANT TEMPORARY ON DATABASE " +
          shapes.value("SELECT current_database()") + " TO folder");
  const std::string url = as_user(shapes.url(), "folder", "secret");
  ShapesSession live(url, 1);
  ShapesSession built(url, 2);
  for (const Partition partition : {kZero, kOne}) {
    live.sink.claim(partition, "live");
    flush_ids(live.sink, partition, "live", true, 0, 5);
    built.sink.claim(partition, "me");
    Refusals({1}).note(built.builder, partition, "me", 2);
    load_ids(built.builder, partition, "me", 5, {"row" + std::to_string(partition.value)});
  }
  CHECK(built.builder.advance() == BuildPhase::following);
  CHECK(shapes.keys() == "4 1");
  built.builder.note_ready(0);
  CHECK(shapes.value("SELECT status FROM sluice.projection WHERE generation = 2") == "ready");
  for (const char* more : {"UPDATE sluice.projection SET status = 'failed'",
                           "UPDATE sluice.projection SET keys_sql = 'DROP TABLE sluice.position'",
                           "ALTER TABLE shapes_g2.only_key ADD COLUMN mine text"}) {
    CHECK_THROWS_AS(PgConnection(url).run(more), Misconfigured);
  }
  // Anybody else may not even call what makes keys.
  PgConnection(superuser_of(shapes.url()))
      .run(
          "DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN PASSWORD 'secret' "
          "IN ROLE sluice_reader");
  PgConnection reader(as_user(shapes.url(), "looker", "secret"));
  for (const char* function :
       {"make_keys('shapes', 2)", "note_phase('shapes', 2)", "note_ready('shapes', 2, 0)"}) {
    CHECK_THROWS_WITH(reader.run(std::string("SELECT sluice.") + function),
                      Catch::Contains("permission denied"));
  }
}

TEST_CASE("rows are sent as they are made") {
  BuiltShapes shapes;
  ShapesSession live(shapes.url(), 1);
  live.sink.claim(kZero, "live");
  flush_ids(live.sink, kZero, "live", true, 0, 10);
  ShapesSession built(shapes.url(), 2);
  built.sink.claim(kZero, "me");
  constexpr int kRows = 100'000;
  shapes::OnlyKey row;
  int made = 0;
  const std::vector<TableSource> tables{
      {shapes::OnlyKey::descriptor(), [&]() -> const google::protobuf::Message* {
         if (made == kRows) {
           // Most of them are in the server already.
           CHECK(eventually([&] {
             return shapes.value("SELECT tuples_processed > 50000 FROM pg_stat_progress_copy") ==
                    "t";
           }));
           return nullptr;
         }
         row.set_id(std::to_string(1'000'000 + made++));
         return &row;
       }}};
  LoadBatch batch{};
  batch.partition = kZero;
  batch.owner = "me";
  batch.to = Offset{10};
  batch.tables = tables;
  CHECK(built.builder.load(batch) == FlushOutcome::committed);
  CHECK(shapes.value("SELECT count(*) FROM shapes_g2.only_key") == std::to_string(kRows));
}

}  // namespace sluice::testing

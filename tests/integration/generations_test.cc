// Generations as rows and schemas: made, found again, applied beside, retired; and databases from
// before there were any.

#include "storage/postgres/generations.h"

#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>
#include <future>

#include "schemas/descriptors/row_options.h"
#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "tests/contract/building.h"
#include "tests/integration/built_shapes.h"
#include "tests/integration/changed_shapes.h"
#include "tests/integration/fresh_database.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

constexpr Partition kZero{0};
constexpr Partition kOne{1};

std::string row_of(const BuiltShapes& shapes, int generation, const std::string& columns) {
  return shapes.value("SELECT concat_ws(' ', " + columns +
                      ") FROM sluice.projection WHERE generation = " + std::to_string(generation));
}

void apply(const BuiltShapes& shapes, const PublishedSchema& schema, Apply how = Apply::everything,
           const std::vector<std::string>& refold = {}) {
  apply_schema(shapes.url(), {&schema, 1}, how, refold);
}

// Whatever a reader could see of the live generation's tables, views and functions.
std::string readers_world(const BuiltShapes& shapes) {
  return shapes.value(
      "SELECT md5(string_agg(what, ',' ORDER BY what)) FROM ("
      "SELECT c.oid || c.relname || a.attname || a.atttypid || a.xmin FROM pg_class c "
      "JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace::regnamespace::text "
      "IN ('shapes', 'shapes_g1') UNION ALL SELECT c.xmin::text || c.oid FROM pg_class c WHERE "
      "c.relnamespace::regnamespace::text IN ('shapes', 'shapes_g1') UNION ALL "
      "SELECT oid || xmin::text || prosrc FROM pg_proc WHERE pronamespace::regnamespace::text = "
      "'shapes') AS all_of_it(what)");
}

// What engine.sql made of these tables before generations had a status.
constexpr const char* kBefore = R"sql(
CREATE SCHEMA sluice;
CREATE TABLE sluice.projection (
  projection text COLLATE "C" NOT NULL, generation integer NOT NULL,
  unique_id text COLLATE "C" NOT NULL, version integer NOT NULL,
  partitions integer NOT NULL CHECK (partitions > 0), horizon_ms bigint NOT NULL,
  live boolean NOT NULL, quarantine_ms bigint NOT NULL DEFAULT 604800000, applied jsonb,
  log text COLLATE "C", PRIMARY KEY (projection, generation));
CREATE UNIQUE INDEX projection_live ON sluice.projection (projection) WHERE live;
CREATE TABLE sluice.position (
  projection text COLLATE "C" NOT NULL, generation integer NOT NULL, partition integer NOT NULL,
  position bigint NOT NULL DEFAULT 0, digest bigint NOT NULL DEFAULT 0,
  emits_from bigint NOT NULL DEFAULT 0, log_end bigint NOT NULL DEFAULT 0,
  record_time timestamptz, owner text COLLATE "C" NOT NULL DEFAULT '',
  updated_at timestamptz NOT NULL DEFAULT now(), published bigint NOT NULL DEFAULT 0,
  published_at timestamptz, log_identity text COLLATE "C",
  PRIMARY KEY (projection, generation, partition),
  FOREIGN KEY (projection, generation) REFERENCES sluice.projection ON DELETE CASCADE
) WITH (fillfactor = 50);
CREATE TABLE sluice.heartbeat (
  projection text COLLATE "C" NOT NULL, generation integer NOT NULL, partition integer NOT NULL,
  owner text COLLATE "C" NOT NULL DEFAULT '', claimed_at timestamptz, seen_at timestamptz,
  released boolean NOT NULL DEFAULT false, log_end bigint NOT NULL DEFAULT 0,
  trouble text COLLATE "C" NOT NULL DEFAULT '', due bigint, computing bigint, failing bigint,
  due_since timestamptz, contender text COLLATE "C" NOT NULL DEFAULT '',
  contender_at timestamptz, PRIMARY KEY (projection, generation, partition),
  FOREIGN KEY (projection, generation) REFERENCES sluice.projection ON DELETE CASCADE
) WITH (fillfactor = 50);
INSERT INTO sluice.projection VALUES
  ('shapes', 1, 'old', 1, 2, 1000, true), ('other', 1, 'aside', 1, 2, 1000, false);
INSERT INTO sluice.position (projection, generation, partition, owner)
  VALUES ('shapes', 1, 0, 'before');
)sql";

}  // namespace

TEST_CASE("a further generation is as the live one, but for what is asked for") {
  const BuiltShapes shapes;
  CHECK(row_of(shapes, 1, "status, phase, live, version, reason, made_at IS NULL, share IS NULL") ==
        "live following t 1 f t");
  CHECK(row_of(shapes, 2, "status, phase, live, version, share, made_at IS NULL") ==
        "building folding f 1 0.5 f");
  const std::string kept = "partitions, horizon_ms, quarantine_ms";
  CHECK(row_of(shapes, 1, kept) == row_of(shapes, 2, kept));
  CHECK(row_of(shapes, 1, "unique_id") != row_of(shapes, 2, "unique_id"));

  // While it is building there is no other; only its share is another, but not for other rules.
  MadeGeneration again = make_generation(shapes.url(), shapes_schema(2), {.share = 0.75});
  CHECK((again.number == 2 && again.version == 1 && again.status == "building" && !again.made));
  CHECK(row_of(shapes, 2, "share") == "0.5");
  CHECK_FALSE(make_generation(shapes.url(), shapes_schema(), {.share = 0.25}).made);
  CHECK(row_of(shapes, 2, "share") == "0.25");
  shapes.ask("UPDATE sluice.projection SET status = 'ready' WHERE generation = 2");
  again = make_generation(shapes.url(), shapes_schema(), {});
  CHECK((again.number == 2 && again.status == "ready"));
  CHECK(row_of(shapes, 2, "share") == "0.25");

  shapes.ask("UPDATE sluice.projection SET status = 'standing' WHERE generation = 2");
  const MadeGeneration third =
      make_generation(shapes.url(), shapes_schema(3),
                      {.dedupe_horizon = std::chrono::milliseconds(1234), .share = 1});
  CHECK((third.number == 3 && third.version == 3 && third.made));
  CHECK(row_of(shapes, 3, "horizon_ms, share, version, partitions") == "1234 1 3 2");
}

TEST_CASE("two who make a generation make one") {
  const std::string url = fresh_database();
  const PublishedSchema schema = shapes_schema();
  CHECK_THROWS_WITH(make_generation(url, schema, {}), Catch::Contains("no live generation"));
  apply_schema(url, {&schema, 1});
  const auto make = [&] { return make_generation(url, schema, {}); };
  auto one = std::async(std::launch::async, make);
  const MadeGeneration other = make();
  const MadeGeneration first = one.get();
  CHECK(first.number == 2);
  CHECK(other.number == 2);
  CHECK(first.made != other.made);
}

TEST_CASE("a projection has one live generation, one in the making, one that stands") {
  const BuiltShapes shapes;
  for (const char* wrong :
       {"UPDATE sluice.projection SET status = 'live' WHERE generation = 2",
        "UPDATE sluice.projection SET live = true WHERE generation = 2",
        "UPDATE sluice.projection SET live = true, status = 'live' WHERE generation = 2",
        "UPDATE sluice.projection SET live = false WHERE generation = 1",
        "UPDATE sluice.projection SET status = 'ready', live = false WHERE generation = 1",
        "UPDATE sluice.projection SET status = 'standing', live = false;"
        "UPDATE sluice.projection SET status = 'standing'",
        "UPDATE sluice.projection SET status = 'away' WHERE generation = 2",
        "UPDATE sluice.projection SET status = NULL WHERE generation = 2",
        "UPDATE sluice.projection SET phase = 'swimming' WHERE generation = 2",
        "UPDATE sluice.projection SET share = 0 WHERE generation = 2"}) {
    INFO(wrong);
    CHECK_THROWS_AS(shapes.ask(wrong), Corrupt);
  }
}

TEST_CASE("a generation that is retired is gone, but for its number") {
  BuiltShapes shapes;
  shapes.load();
  ShapesSession built(shapes.url(), 2);
  built.sink.claim(kZero, "me");
  shapes.ask(
      "INSERT INTO sluice.rejection SELECT 'shapes', g, 0, 1, 'e', 't', 'k', 'r', now() "
      "FROM generate_series(1, 2) AS g;"
      "INSERT INTO sluice.quarantine SELECT 'shapes', g, 0, 1, 'k', 'r', NULL, now(), false "
      "FROM generate_series(1, 2) AS g");
  const std::string before = readers_world(shapes);
  CHECK_FALSE(retire(shapes.url(), "shapes", 2));
  CHECK(row_of(shapes, 2, "status") == "retired");
  CHECK(shapes.value("SELECT to_regnamespace('shapes_g2')") == "null");
  for (const char* table : {"position", "heartbeat", "rejection", "quarantine"}) {
    INFO(table);
    CHECK(shapes.value(std::string("SELECT count(*) FROM sluice.") + table +
                       " WHERE generation = 2") == "0");
    CHECK(shapes.value(std::string("SELECT count(*) > 0 FROM sluice.") + table) == "t");
  }
  CHECK(readers_world(shapes) == before);
  CHECK_FALSE(retire(shapes.url(), "shapes", 2));  // again

  // Who still builds it changes nothing.
  CHECK_THROWS_AS(flush_ids(built.sink, kZero, "me", false, 10, 10), Fenced);
  CHECK_THROWS_AS(built.builder.advance(), Misconfigured);
  CHECK_THROWS_AS(built.sink.claim(kOne, "me"), Misconfigured);
  CHECK(shapes.value("SELECT count(*) FROM sluice.position WHERE generation = 2") == "0");
  CHECK(make_generation(shapes.url(), shapes_schema(), {}).number == 3);
}

TEST_CASE("what is live, used or not there is not retired") {
  BuiltShapes shapes;
  shapes.load();
  const auto refused = [&](int generation) {
    const auto refusal = retire(shapes.url(), "shapes", generation);
    REQUIRE(refusal);
    CHECK(shapes.value("SELECT count(*) FROM shapes_g2.only_key") == "2");
    CHECK(shapes.value("SELECT count(*) FROM sluice.position WHERE generation = 2") == "2");
    CHECK(row_of(shapes, 2, "status") == "building");
    return refusal->word + ": " + refusal->reason;
  };
  CHECK_THAT(refused(1), Catch::StartsWith("live: shapes generation 1 is what readers see"));
  CHECK_THROWS_WITH(retire(shapes.url(), "shapes", 7), Catch::Contains("there is no shapes"));
  CHECK_THROWS_AS(retire(shapes.url(), "nothing", 1), Misconfigured);
  CHECK_THROWS_WITH(shapes.ask("CREATE VIEW public.brief AS SELECT FROM shapes_g2.only_key; "
                               "DROP TABLE shapes_g2.only_key"),
                    Catch::Contains("view brief depends on") && !Catch::Contains("CASCADE"));
  {
    PgConnection reader(shapes.url());
    reader.run("BEGIN; SELECT FROM shapes_g2.only_key");
    CHECK_THAT(refused(2), Catch::StartsWith("locked: a transaction holds a lock"));
  }
  {
    PgConnection maker(shapes.url());
    maker.run("BEGIN; SELECT pg_advisory_xact_lock(hashtext('sluice keys of shapes_g2'))");
    CHECK_THAT(refused(2), Catch::StartsWith("locked: keys and indexes of shapes generation 2"));
  }
  shapes.ask("CREATE VIEW public.mine AS SELECT * FROM shapes_g2.only_key");
  shapes.ask("CREATE MATERIALIZED VIEW public.also AS SELECT * FROM public.mine");
  shapes.ask("CREATE TABLE public.noted (row shapes_g2.only_key)");
  shapes.ask("CREATE VIEW shapes_g2.inside AS SELECT 1 AS one");
  // Its own words, which never advise to drop what depends with it.
  CHECK(refused(2) ==
        "needed: something is built on the tables of shapes generation 2: materialized view "
        "public.also, table public.noted, view "
        "public.mine, view shapes_g2.inside. Drop it, or let it read the views of schema shapes, "
        "which show whichever generation is live; then retire this one");
  shapes.ask(
      "DROP VIEW shapes_g2.inside; DROP TABLE public.noted; DROP MATERIALIZED VIEW public.also; "
      "DROP VIEW public.mine; CREATE INDEX mine ON shapes_g2.only_key (id)");
  CHECK_FALSE(retire(shapes.url(), "shapes", 2));
}

TEST_CASE("a program of other rules leaves the live generation alone once it has its own") {
  const BuiltShapes shapes;
  PublishedSchema next = shapes_schema(2);
  next.reads_sql =
      "CREATE OR REPLACE FUNCTION shapes.one() RETURNS int LANGUAGE sql AS 'SELECT 2';";
  const ChangedShapes wider([](auto& file) { add_later(file); });
  next.tables = wider.tables();
  for (const Apply how : {Apply::what_changed, Apply::everything}) {
    CHECK_THROWS_WITH(apply(shapes, next, how),
                      Catch::Contains("`sluice rebuild shapes`") &&
                          Catch::Contains("`sluice schema apply --refold shapes`"));
  }
  REQUIRE_FALSE(retire(shapes.url(), "shapes", 2));
  CHECK(make_generation(shapes.url(), next, {}).number == 3);
  const std::string before = readers_world(shapes);
  for (const Apply how : {Apply::what_changed, Apply::everything}) {
    apply(shapes, next, how);
    CHECK(readers_world(shapes) == before);
    CHECK(row_of(shapes, 1, "version") == "1");
  }
  CHECK(shapes.value("SELECT count(*) FROM information_schema.columns "
                     "WHERE table_schema = 'shapes_g3' AND column_name = 'later'") == "1");
  CHECK(row_of(shapes, 3, "reads_sql") == std::string(next.reads_sql));
  CHECK(row_of(shapes, 1, "reads_sql").empty());
  // The program of the live generation goes on as ever.
  apply(shapes, shapes_schema());
}

TEST_CASE("a column that is new in this program comes to every generation that it folds") {
  BuiltShapes shapes;
  shapes.load();
  const ChangedShapes wider([](auto& file) { add_later(file); });
  PublishedSchema schema = shapes_schema();
  schema.tables = wider.tables();
  apply(shapes, schema, Apply::what_changed);
  CHECK(shapes.value("SELECT count(*) FROM information_schema.columns WHERE column_name = 'later' "
                     "AND table_schema IN ('shapes_g1', 'shapes_g2')") == "2");
  ShapesSession built(shapes.url(), 2);
  CHECK(built.builder.advance() == BuildPhase::following);
  CHECK(shapes.keys() == "4 1");
  apply(shapes, schema);
  CHECK(shapes.keys() == "4 1");
}

TEST_CASE("a view is not folded anew in place while another generation goes by its positions") {
  const BuiltShapes shapes;
  CHECK_THROWS_WITH(apply(shapes, shapes_schema(), Apply::what_changed, {"shapes"}),
                    Catch::Contains("its generation 2 is building") &&
                        Catch::Contains("`sluice retire shapes --generation 2`"));
  REQUIRE_FALSE(retire(shapes.url(), "shapes", 2));
  apply(shapes, shapes_schema(2), Apply::what_changed, {"shapes"});
  CHECK(row_of(shapes, 1, "version, status, live") == "2 live t");
}

TEST_CASE("a database from before generations had a status is upgraded in place") {
  const std::string url = fresh_database();
  PgConnection connection(url);
  connection.run(kBefore);
  const PublishedSchema schema = shapes_schema();
  for (const Apply how : {Apply::what_changed, Apply::everything, Apply::what_changed}) {
    apply_schema(url, {&schema, 1}, how);
    const PgResult rows = connection.run(
        "SELECT concat_ws(' ', projection, status, phase, live, reason IS NULL) "
        "FROM sluice.projection ORDER BY projection");
    REQUIRE(rows.rows() == 2);
    CHECK(rows.text(0, 0) == "other failed following f f");
    CHECK(rows.text(1, 0) == "shapes live following t t");
  }
  ShapesSession live(url, 1);
  CHECK(live.sink.generation().unique_id == "old");
  CHECK(live.sink.position(kZero)->loaded);
  CHECK(live.builder.advance() == BuildPhase::following);
  live.sink.claim(kZero, "me");
  CHECK(flush_ids(live.sink, kZero, "me", true, 0, 3, {"a"}) == FlushOutcome::committed);
  CHECK(make_generation(url, schema, {}).number == 2);
}

TEST_CASE("every column of the engine's tables that tell of generations is explained") {
  const BuiltShapes shapes;
  CHECK(shapes.value("SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = "
                     "'sluice.projection'::regclass AND attnum > 0 AND NOT attisdropped "
                     "AND col_description(attrelid, attnum) IS NULL") == "null");
}

}  // namespace sluice::testing

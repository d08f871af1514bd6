// Readers are given another generation, and back, on a real Postgres.

#include "storage/postgres/swap/promotion.h"

#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>
#include <future>

#include "shapes/tables.pb.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"
#include "storage/postgres/error.h"
#include "storage/postgres/generations.h"
#include "storage/postgres/reader_views.h"
#include "tests/integration/built_shapes.h"
#include "tests/integration/fresh_database.h"
#include "tests/integration/two_generations.h"
#include "tests/support/eventually.h"
#include "tests/support/in_child.h"

namespace sluice::testing {
namespace {

using std::chrono::milliseconds;

// Runs it in a process that dies at the point.
int dies_at(std::string_view point, const std::function<void()>& work) {
  const int status = in_child([&] {
    arm_crash_point(point);
    try {
      work();
    } catch (const std::exception&) {
      return 1;
    }
    return 0;
  });
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("readers are given the other generation, and back, and again") {
  const TwoGenerations shapes;
  tell_apart(shapes);
  shapes.ask("UPDATE sluice.position SET emits_from = 25 WHERE generation = 1 AND partition = 1");
  PgConnection listener(shapes.url());
  listener.run("LISTEN sluice_generation");
  const Promoted promoted = shapes.promote();
  INFO(reason(promoted));
  REQUIRE(refused(promoted).empty());
  const auto& done = std::get<Promotion>(promoted);
  CHECK((done.live == 2 && done.was == 1 && done.left.empty()));
  CHECK(done.positions == Positions{{0, 10}, {1, 10}});
  CHECK(world(shapes) == "standing live: second");
  CHECK(shapes.value("SELECT promoted_at IS NOT NULL FROM sluice.projection WHERE live") == "t");
  CHECK(listener.notified(std::chrono::seconds(5)));
  // What the old one has appended is not appended again.
  CHECK(shapes.value("SELECT string_agg(emits_from::text, ' ' ORDER BY partition) FROM "
                     "sluice.position WHERE generation = 2") == "10 25");
  CHECK(shapes.value("SELECT count(*) FROM sluice.mark") == "1");
  CHECK(shapes.value("SELECT count(*) FROM sluice.freshness WHERE projection = 'shapes'") == "2");

  // Who asks again is told of the same.
  const Promoted again = shapes.promote();
  REQUIRE(refused(again).empty());
  CHECK(std::get<Promotion>(again).live == 2);
  CHECK(world(shapes) == "standing live: second");

  shapes.beat();
  const Promoted back = shapes.roll_back();
  REQUIRE(refused(back).empty());
  CHECK((std::get<Promotion>(back).live == 1 && std::get<Promotion>(back).was == 2));
  CHECK(world(shapes) == "live ready: first");
  CHECK(refused(shapes.roll_back()) == "not_ready");
  CHECK(refused(shapes.promote()).empty());
  CHECK(world(shapes) == "standing live: second");
}

TEST_CASE("what a rollback leaves stands, where another generation is being built") {
  const TwoGenerations shapes;
  REQUIRE(refused(shapes.promote()).empty());
  CHECK(make_generation(shapes.url(), shapes_schema(3), {}).number == 3);
  shapes.beat();
  REQUIRE(refused(shapes.roll_back()).empty());
  CHECK(shapes.statuses() == "live standing building");

  // Asked again it does not go forward.
  shapes.beat();
  CHECK(refused(shapes.roll_back()) == "not_ready");
  CHECK(shapes.statuses() == "live standing building");
  REQUIRE(refused(shapes.promote(std::chrono::seconds(10), 1, 2)).empty());
  CHECK(shapes.statuses() == "standing live building");
  shapes.beat();
  REQUIRE(refused(shapes.roll_back()).empty());
  CHECK(shapes.statuses() == "live standing building");
}

TEST_CASE("the one that stood before is retired") {
  const TwoGenerations shapes;
  tell_apart(shapes);
  REQUIRE(refused(shapes.promote()).empty());
  CHECK(make_generation(shapes.url(), shapes_schema(3), {}).number == 3);
  // As if it had been built.
  shapes.ask(
      "INSERT INTO sluice.position (projection, generation, partition, position, digest) "
      "SELECT projection, 3, partition, position, digest FROM sluice.position WHERE generation = 2;"
      "INSERT INTO shapes_g3.only_key VALUES ('third'); SELECT sluice.note_phase('shapes', 3);"
      "SELECT sluice.make_keys('shapes', 3); SELECT sluice.note_ready('shapes', 3, 0)");
  const auto next = [&] { return shapes.promote(std::chrono::seconds(10), 2, 3); };

  SECTION("in the same call") {
    const Promoted promoted = next();
    INFO(reason(promoted));
    REQUIRE(refused(promoted).empty());
    CHECK(std::get<Promotion>(promoted).left.empty());
  }
  SECTION("by a later call, where somebody is in the way") {
    shapes.ask("CREATE VIEW public.mine AS SELECT * FROM shapes_g1.only_key");
    const Promoted promoted = next();
    REQUIRE(refused(promoted).empty());
    const auto& left = std::get<Promotion>(promoted).left;
    REQUIRE(left.size() == 1);
    CHECK((left[0].word == "needed" && left[0].reason.find("mine") != std::string::npos));
    CHECK(world(shapes) == "retired standing live: third");
    shapes.ask("DROP VIEW public.mine");
    CHECK_FALSE(retire(shapes.url(), "shapes", 1));
  }
  SECTION("by the next one, where this one died") {
    CHECK(dies_at("swap.committed", [&] { (void)next(); }) == 137);
    CHECK(world(shapes) == "retired standing live: third");
    CHECK(shapes.value("SELECT to_regnamespace('shapes_g1') IS NULL") == "f");
    CHECK(refused(next()).empty());
  }
  CHECK(world(shapes) == "retired standing live: third");
  CHECK(shapes.value("SELECT to_regnamespace('shapes_g1')") == "null");
  CHECK(shapes.value("SELECT count(*) FROM sluice.position WHERE generation = 1") == "0");
  shapes.beat();
  CHECK(refused(shapes.roll_back()).empty());
  CHECK(world(shapes) == "retired live ready: second");
}

TEST_CASE("a snapshot from before is told to begin again, and never shows a mix") {
  const TwoGenerations shapes;
  tell_apart(shapes);
  PgConnection reader(shapes.url());
  const std::string both =
      "SELECT (SELECT generation FROM sluice.projection WHERE live) || (SELECT min(id) FROM "
      "shapes.only_key)";
  reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM sluice.position");
  auto promoting = std::async(std::launch::async, [&] { return shapes.promote(); });
  CHECK(refused(promoting.get()).empty());
  // It has seen the old position, and nothing of the views yet.
  try {
    reader.run(both);
    FAIL("a snapshot from before came through");
  } catch (const Retryable& failure) {
    CHECK(has_state(failure, "40001"));
    CHECK_THAT(failure.what(), Catch::Contains("begin it again"));
  }
  reader.run("ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ");
  CHECK(reader.run(both).text(0, 0) == "2second");
  // A swap after that one is one, too.
  reader.run("ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM sluice.position");
  shapes.beat();
  CHECK(refused(shapes.roll_back()).empty());
  CHECK_THROWS_AS(reader.run(both), Retryable);
  reader.run("ROLLBACK");
  CHECK(reader.run(both).text(0, 0) == "1first");
}

TEST_CASE("a snapshot from before that reads views already keeps what it reads, and names itself") {
  const TwoGenerations shapes;
  tell_apart(shapes);
  PgConnection reader(shapes.url());
  reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
  CHECK(shown(reader) == "first");
  const std::string pid(reader.run("SELECT pg_backend_pid()").text(0, 0));
  auto promoting =
      std::async(std::launch::async, [&] { return shapes.promote(milliseconds(1500)); });
  // Readers behind a lock that is waited for, which it is for moments.
  milliseconds longest{0};
  while (promoting.wait_for(milliseconds(0)) != std::future_status::ready) {
    PgConnection other(shapes.url());
    other.connect();
    const auto begun = std::chrono::steady_clock::now();
    CHECK(shown(other) == "first");
    longest = std::max(longest, std::chrono::duration_cast<milliseconds>(
                                    std::chrono::steady_clock::now() - begun));
  }
  INFO("a reader waited " << longest.count() << " ms");
  CHECK(longest < milliseconds(1000));  // of a machine that is busy; the lock itself: 50 ms
  const Promoted answer = promoting.get();
  CHECK(refused(answer) == "locked");
  CHECK_THAT(reason(answer),
             Catch::Contains("process " + pid) && Catch::Contains("SELECT pg_backend_pid()"));
  CHECK(world(shapes) == "live ready: first");
  CHECK(shown(reader) == "first");
  reader.run("COMMIT");
  shapes.beat();
  CHECK(refused(shapes.promote()).empty());
}

TEST_CASE("who waits behind the lock does so for 50 ms") {
  const TwoGenerations shapes;
  PgConnection reader(shapes.url());
  reader.run("BEGIN; SELECT FROM shapes.every_type; SELECT FROM shapes.share");
  PgConnection swapping(shapes.url());
  swapping.run("BEGIN");
  const auto begun = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(lock_views(swapping, "shapes"), Retryable);
  const auto took = std::chrono::steady_clock::now() - begun;
  CHECK(took >= milliseconds(45));
  CHECK(took < milliseconds(2000));
  reader.run("COMMIT");
  swapping.run("ROLLBACK; BEGIN");
  lock_views(swapping, "shapes");
  // Views and nothing below: what flushes and vacuums tables goes on.
  PgConnection flush(shapes.url());
  flush.run("SET lock_timeout = '1ms'; LOCK TABLE shapes_g1.only_key IN SHARE MODE");
  CHECK(shapes.value("SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation "
                     "WHERE l.mode = 'AccessExclusiveLock' AND c.relnamespace = "
                     "'shapes'::regnamespace") == "4");
}

TEST_CASE("prepared statements, functions and open cursors go on over a swap") {
  PublishedSchema first = shapes_schema(1);
  PublishedSchema second = shapes_schema(2);
  const std::string body =
      "CREATE OR REPLACE FUNCTION shapes.ids() RETURNS SETOF shapes.only_key LANGUAGE sql STABLE "
      "AS "
      "'SELECT * FROM shapes.only_key ORDER BY id';";
  first.reads_sql = body;
  const std::string next =
      body + "CREATE OR REPLACE VIEW shapes.loud AS SELECT upper(id) AS id FROM shapes.only_key;";
  second.reads_sql = next;
  const TwoGenerations shapes(first, second);
  tell_apart(shapes);
  PgConnection reader(shapes.url());
  reader.run(
      "PREPARE one AS SELECT id FROM shapes.only_key; PREPARE two AS SELECT (shapes.ids()).id;"
      "CREATE FUNCTION pg_temp.three() RETURNS text LANGUAGE plpgsql AS "
      "'BEGIN RETURN (SELECT id FROM shapes.only_key); END'");
  const auto all = [&] {
    return std::string(reader.run("EXECUTE one").text(0, 0)) + " " +
           std::string(reader.run("EXECUTE two").text(0, 0)) + " " +
           std::string(reader.run("SELECT pg_temp.three()").text(0, 0));
  };
  for (int i = 0; i < 6; ++i) CHECK(all() == "first first first");  // also as generic plans
  reader.run("BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT id FROM shapes.only_key; COMMIT");
  REQUIRE(refused(shapes.promote()).empty());
  CHECK(reader.run("FETCH held").text(0, 0) == "first");
  for (int i = 0; i < 6; ++i) CHECK(all() == "second second second");
  CHECK(reader.run("SELECT id FROM shapes.loud").text(0, 0) == "SECOND");
  // A cursor that is open holds the swap up until it is through.
  reader.run("BEGIN; DECLARE opened CURSOR FOR SELECT id FROM shapes.only_key");
  shapes.beat();
  auto back = std::async(std::launch::async, [&] { return shapes.roll_back(); });
  REQUIRE(eventually([&] { return waits_for_views(shapes); }));
  CHECK(reader.run("FETCH opened").text(0, 0) == "second");
  reader.run("COMMIT");
  CHECK(refused(back.get()).empty());
  CHECK(all() == "first first first");
}

TEST_CASE("two who promote do it once") {
  const TwoGenerations shapes;
  auto one = std::async(std::launch::async, [&] { return shapes.promote(); });
  const Promoted other = shapes.promote();
  const Promoted first = one.get();
  INFO(reason(first) << reason(other));
  CHECK((refused(first) + refused(other)).empty());
  CHECK(shapes.statuses() == "standing live");
  CHECK(shapes.value("SELECT count(*) FROM sluice.mark") == "1");
}

TEST_CASE("who applies a schema is waited for, and named") {
  const TwoGenerations shapes;
  PgConnection applier(shapes.url());
  applier.run("BEGIN; SELECT pg_advisory_xact_lock(hashtext('sluice schema apply'))");
  const std::string pid(applier.run("SELECT pg_backend_pid()").text(0, 0));
  const Promoted answer = shapes.promote(milliseconds(300));
  CHECK(refused(answer) == "locked");
  CHECK_THAT(reason(answer), Catch::Contains("process " + pid));
}

TEST_CASE("a death at any step leaves all or nothing, and the next call goes on") {
  for (const char* point :
       {"swap.positions_locked", "swap.marked", "swap.views_made", "swap.committed"}) {
    INFO(point);
    const TwoGenerations shapes;
    tell_apart(shapes);
    const bool whole = std::string_view(point) == "swap.committed";
    CHECK(dies_at(point, [&] { (void)shapes.promote(); }) == 137);
    CHECK(eventually(
        [&] { return world(shapes) == (whole ? "standing live: second" : "live ready: first"); }));
    shapes.beat();
    const auto next = promotable(shapes.url(), "shapes", 2, 0);
    INFO(reason(next));
    REQUIRE(refused(next).empty());
    const Promoted done = promote(shapes.url(), std::get<GenerationPair>(next));
    REQUIRE(refused(done).empty());
    CHECK((std::get<Promotion>(done).live == 2 && std::get<Promotion>(done).was == 1));
    CHECK(world(shapes) == "standing live: second");
    shapes.beat();
    CHECK(dies_at(point, [&] { (void)shapes.roll_back(); }) == 137);
    CHECK(eventually(
        [&] { return world(shapes) == (whole ? "live ready: first" : "standing live: second"); }));
  }
}

TEST_CASE("if the command hangs, the server ends what it holds up") {
  const TwoGenerations shapes;
  PgConnection hung(shapes.url());
  hung.connect();
  begin_holding(hung);
  lock_positions(hung, "shapes", 1);
  PgConnection flush(shapes.url());
  flush.run("SET lock_timeout = '10s'");
  flush.run("UPDATE sluice.position SET log_end = 1 WHERE generation = 1");
  CHECK_THROWS_AS(hung.run("SELECT 1"), Retryable);
}

TEST_CASE("readers meet one generation in each statement, and no position goes back") {
  const TwoGenerations shapes;
  tell_apart(shapes);
  const Owner first(shapes.url(), 1);
  const Owner second(shapes.url(), 2);
  std::atomic<int> looks = 0;
  std::atomic<std::int64_t> longest = 0;  // of a statement, in ms
  const auto reading = [&](bool repeatable) {
    return std::async(std::launch::async, [&, repeatable] {
      PgConnection reader(shapes.url());
      std::int64_t last = 0;
      std::string wrong;
      const auto ends = std::chrono::steady_clock::now() + std::chrono::seconds(12);
      while (wrong.empty() && std::chrono::steady_clock::now() < ends) {
        try {
          // Whose rows they are, where that one stands, and how many rows it ought to have.
          std::string sql =
              "SELECT (SELECT string_agg(DISTINCT split_part(id, '-', 1), ' ') FROM "
              "shapes.only_key WHERE id LIKE 'g%'), (SELECT count(*) FROM shapes.only_key "
              "WHERE id LIKE 'g%'), sum(p.position), min(g.generation) FROM sluice.position p "
              "JOIN sluice.projection g USING (projection, generation) WHERE g.live";
          if (repeatable) {
            reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM sluice.position");
          }
          const auto begun = std::chrono::steady_clock::now();
          const PgResult row = reader.run(sql);
          const milliseconds took =
              std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
          longest = std::max<std::int64_t>(longest, took.count());
          const std::int64_t sum = row.number(0, 2);
          if (row.number(0, 1) != sum - 20) wrong = "rows are not those of the position";
          // A snapshot between the mark and the swap has the old number, and tables of one kind.
          if (row.text(0, 0).find(' ') != std::string_view::npos) wrong = "two kinds of rows";
          if (!repeatable && !row.null(0, 0) && "g" + std::string(row.text(0, 3)) != row.text(0, 0))
            wrong = "a mix";
          if (sum < last) wrong = "a position went back";
          last = sum;
          ++looks;
        } catch (const Retryable& failure) {
          if (!has_state(failure, "40001")) wrong = failure.what();
        }
        if (repeatable) reader.run("ROLLBACK");
      }
      return wrong;
    });
  };
  auto one = reading(false);
  auto two = reading(true);
  int swaps = 0;
  std::string refusals;
  int live = 1;
  while (one.wait_for(milliseconds(0)) != std::future_status::ready) {
    const Promoted done = live == 1 ? shapes.promote() : shapes.roll_back();
    if (!refused(done).empty()) {
      refusals += refused(done) + ": " + reason(done) + "\n";
      continue;
    }
    live = std::get<Promotion>(done).live;
    ++swaps;
  }
  CHECK(one.get() == "");
  CHECK(two.get() == "");
  INFO(refusals);
  CHECK(swaps >= 3);
  WARN(swaps << " swaps, " << looks << " looks, of which the longest took " << longest << " ms");
  CHECK((first.failure() + second.failure()).empty());
}

}  // namespace sluice::testing

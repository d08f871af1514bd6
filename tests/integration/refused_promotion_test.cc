// What stands against giving readers another generation, and what is waited for first.

#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "storage/postgres/generations.h"
#include "storage/postgres/swap/promotion.h"
#include "tests/integration/two_generations.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

using std::chrono::milliseconds;

}  // namespace

TEST_CASE("only what is followed, near, owned and equal is promoted") {
  const TwoGenerations shapes;
  const auto may = [&](std::optional<int> generation = std::nullopt, std::int64_t behind = 0) {
    return promotable(shapes.url(), "shapes", generation, behind);
  };
  REQUIRE(refused(may()).empty());
  CHECK(std::get<GenerationPair>(may()).other == 2);
  CHECK_THROWS_AS(may(7), Misconfigured);
  CHECK(std::get<GenerationPair>(may(1)).other_status == "live");
  const auto set = [&](const std::string& sql) {
    shapes.ask(sql + "; UPDATE sluice.heartbeat SET seen_at = now()");
  };
  set("UPDATE sluice.projection SET status = 'building' WHERE generation = 2");
  CHECK(refused(may()) == "not_ready");
  set("UPDATE sluice.projection SET phase = 'indexing' WHERE generation = 2");
  CHECK_THAT(reason(may()), Catch::Contains("its phase is indexing"));
  set("UPDATE sluice.projection SET phase = 'following', status = 'failed', reason = 'why not' "
      "WHERE generation = 2");
  CHECK_THAT(reason(may(2)), Catch::Contains("why not"));
  CHECK_THAT(reason(may()), Catch::Contains("sluice rebuild shapes"));
  set("UPDATE sluice.projection SET status = 'ready' WHERE generation = 2;"
      "UPDATE sluice.position SET position = 1011 WHERE generation = 1 AND partition = 1");
  CHECK(refused(may(2, 1001)).empty());
  CHECK(refused(may(2, 1000)) == "lagging");
  CHECK_THAT(reason(may(2, 1000)), Catch::Contains("1001 records behind in partition 1"));
  set("UPDATE sluice.position SET position = 10 WHERE generation = 1");
  shapes.ask(
      "UPDATE sluice.heartbeat SET released = true, seen_at = now() - interval '1 min' "
      "WHERE generation = 2");
  CHECK(refused(may()) == "no_owner");
  shapes.ask(
      "UPDATE sluice.heartbeat SET released = false, seen_at = now() - interval '16 s';"
      "UPDATE sluice.position SET updated_at = now() - interval '6 s'");
  CHECK(refused(may()) == "no_owner");
  shapes.ask("UPDATE sluice.heartbeat SET seen_at = now() WHERE generation = 2");
  CHECK(refused(may()).empty());  // an old one without owner stands still, that is enough

  shapes.ask("UPDATE sluice.position SET digest = 5 WHERE generation = 2 AND partition = 0");
  CHECK(refused(shapes.promote()) == "log");
  shapes.ask("UPDATE sluice.projection SET status = 'building' WHERE generation = 2");
  CHECK(refused(shapes.promote()) == "not_ready");
  CHECK(shapes.statuses() == "live building");
}

TEST_CASE("partitions that change their owners are awaited") {
  const TwoGenerations shapes;
  const auto leave = [&](const std::string& seen_ago, int generation = 2) {
    shapes.ask("UPDATE sluice.heartbeat SET released = true, seen_at = now() - interval '" +
               seen_ago + "' WHERE generation = " + std::to_string(generation));
  };
  const auto awaited = [&](const auto& command) {
    auto asked = std::async(std::launch::async, command);
    CHECK(asked.wait_for(milliseconds(500)) == std::future_status::timeout);
    shapes.ask("UPDATE sluice.heartbeat SET released = false, seen_at = now()");
    return refused(asked.get());
  };
  const auto may = [&] { return promotable(shapes.url(), "shapes", std::nullopt, 0); };
  SECTION("which somebody folded of late") {
    leave("1 s");
    CHECK(awaited(may).empty());
  }
  SECTION("which a process of that version may take") {
    leave("1 min");
    shapes.ask(
        "INSERT INTO sluice.process (instance, host, pid, version, vitals) SELECT 'one', 'here', 1, "
        "'1', jsonb_build_object('rules', jsonb_build_object(projection, version)) "
        "FROM sluice.projection WHERE generation = 2");
    CHECK(awaited(may).empty());
  }
  SECTION("before a rollback") {
    REQUIRE(refused(shapes.promote()).empty());
    leave("1 s", 1);
    CHECK(awaited([&] { return shapes.roll_back(); }).empty());
  }
}

TEST_CASE("one that does not come to where the live one is does not hold it up for long") {
  const TwoGenerations shapes;
  shapes.ask("UPDATE sluice.position SET position = 11 WHERE generation = 1 AND partition = 1");
  const Promoted answer = shapes.promote();
  CHECK(refused(answer) == "busy");
  CHECK_THAT(reason(answer), Catch::Contains("in partition 1 generation 2 is at 10"));
  CHECK(shapes.statuses() == "live ready");
}

TEST_CASE("nobody publishes computed rows of either generation meanwhile") {
  const TwoGenerations shapes;
  for (const char* of : {"1", "2"}) {
    PgConnection publishing(shapes.url());
    publishing.run(std::string("BEGIN; UPDATE sluice.position SET published = published + 1 WHERE "
                               "partition = 1 AND generation = ") +
                   of);
    const Promoted answer = shapes.promote();
    CHECK(refused(answer) == "busy");
    CHECK_THAT(reason(answer), Catch::Contains("did not end in time"));
    publishing.run("COMMIT");
  }
  CHECK(shapes.statuses() == "live ready");
  CHECK(refused(shapes.promote()).empty());
}

TEST_CASE("computed rows do not go back") {
  const TwoGenerations shapes;
  shapes.ask(
      "INSERT INTO shapes_g1.summary VALUES ('a', 9, 1), ('b', 5, 1), ('gone', 5, 1);"
      "INSERT INTO shapes_g2.summary VALUES ('a', 8, 7), ('b', 6, 7);"
      "INSERT INTO sluice.due VALUES ('shapes', 2, 0, 'a'), ('shapes', 2, 0, 'b')");
  const Promoted answer =
      promote(shapes.url(), shapes.pair(1, 2), {.computing = milliseconds(300)});
  CHECK(refused(answer) == "busy");
  CHECK_THAT(reason(answer), Catch::Contains("of 1 keys of summary (a)"));
  CHECK(shapes.statuses() == "live ready");

  // Not due any more, the older rows are those of the later position; of `gone` there are none.
  auto promoting = std::async(std::launch::async, [&] { return shapes.promote(); });
  REQUIRE(eventually([&] {
    return shapes.value(
               "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
               "AND query LIKE 'SELECT count(DISTINCT d.key)%' AND pid <> pg_backend_pid()") != "0";
  }));
  shapes.ask("DELETE FROM sluice.due WHERE key = 'a'");
  CHECK(refused(promoting.get()).empty());
  CHECK(shapes.value("SELECT string_agg(id || ' ' || as_of || ' ' || took, ', ' ORDER BY id) "
                     "FROM shapes.summary") == "a 9 7, b 6 7");
}

TEST_CASE("a key that readers saw computed is computed before they are shown the other") {
  const TwoGenerations shapes;
  shapes.ask(
      "INSERT INTO shapes_g1.summary VALUES ('a', 9, 1);"
      "INSERT INTO sluice.due VALUES ('shapes', 2, 0, 'a'), ('shapes', 1, 0, 'a')");
  CHECK(refused(promote(shapes.url(), shapes.pair(1, 2), {.computing = milliseconds(0)})) ==
        "busy");
}

TEST_CASE("keys that change all the time are computed for a swap, however they are paced") {
  constexpr int kKeys = 20;
  const TwoGenerations shapes;
  for (int key = 0; key < kKeys; ++key) {
    const std::string id = "k" + std::to_string(key);
    shapes.ask("INSERT INTO shapes_g1.summary VALUES ('" + id +
               "', 9, 1); INSERT INTO sluice.due " + "VALUES ('shapes', 1, 0, '" + id +
               "'), ('shapes', 2, 0, '" + id + "')");
  }
  // As owners publish: each key of the live one over and over; of the other one all keys once it is
  // told to hurry, one after the other.
  const auto publishing = [&](const std::string& generation, const std::string& rows) {
    return std::jthread([&shapes, generation, rows](const std::stop_token& stop) {
      PgConnection owner(shapes.url());
      for (int turn = 0; !stop.stop_requested(); ++turn) {
        owner.run(
            "BEGIN; UPDATE sluice.position SET published = published + 1 WHERE partition = 0 "
            "AND generation = " +
            generation);
        owner.run(rows, {"k" + std::to_string(turn % kKeys)});
        owner.run("COMMIT");
      }
    });
  };
  const auto live = publishing("1", "UPDATE shapes_g1.summary SET as_of = as_of + 1 WHERE id = $1");
  const auto other = publishing(
      "2",
      "INSERT INTO shapes_g2.summary SELECT o.id, o.as_of, 1 FROM shapes_g1.summary o "
      "WHERE o.id = $1 AND EXISTS (SELECT FROM sluice.projection WHERE generation = 2 "
      "AND hurries_until > now()) ON CONFLICT (id) DO UPDATE SET as_of = excluded.as_of");
  const Promoted answer =
      promote(shapes.url(), shapes.pair(1, 2), {.computing = std::chrono::seconds(6)});
  INFO(reason(answer));
  CHECK(refused(answer).empty());
}

}  // namespace sluice::testing

// Who applies a schema, and who folds and reads meanwhile, wait for each other in one order; where
// somebody else's order is another, applying gives way and is done again.

#include <catch2/catch.hpp>
#include <future>

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/base/errors.h"
#include "storage/postgres/error.h"
#include "storage/postgres/generations.h"
#include "tests/integration/built_shapes.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

std::future<void> applies(const BuiltShapes& shapes, Apply how, std::vector<std::string> refold) {
  return std::async(std::launch::async, [&shapes, how, refold = std::move(refold)] {
    const PublishedSchema schema = shapes_schema();
    apply_schema(shapes.url(), {&schema, 1}, how, refold);
  });
}

bool somebody_waits(const BuiltShapes& shapes) {
  return shapes.value(
             "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN "
             "(SELECT pid FROM pg_stat_activity WHERE datname = current_database())") != "0";
}

// Reads a view, lets `applier` wait for it, and writes a row. False: not the applier gave way.
bool applier_gives_way(const BuiltShapes& shapes, Apply how) {
  PgConnection other(shapes.url());
  other.run("BEGIN; SELECT FROM shapes.share");
  auto applier = applies(shapes, how, {});
  REQUIRE(eventually([&] { return somebody_waits(shapes); }));
  bool gave_way = true;
  try {
    other.run("LOCK TABLE shapes_g1.every_type IN ROW EXCLUSIVE MODE");
  } catch (const Retryable& failure) {
    REQUIRE(has_state(failure, "40P01"));
    gave_way = false;
  }
  other.roll_back();
  CHECK_NOTHROW(applier.get());
  return gave_way;
}

}  // namespace

TEST_CASE("a flush that has its position goes on while the view is to be set back") {
  const BuiltShapes shapes;
  (void)retire(shapes.url(), "shapes", 2);
  shapes.ask(
      "INSERT INTO sluice.position (projection, generation, partition, position) "
      "VALUES ('shapes', 1, 0, 5); ALTER TABLE shapes_g1.every_type DROP COLUMN text CASCADE");
  PgConnection flush(shapes.url());
  flush.run("BEGIN; UPDATE sluice.position SET position = 6 WHERE generation = 1");
  auto applier = applies(shapes, Apply::what_changed, {"shapes"});
  REQUIRE(eventually([&] { return somebody_waits(shapes); }));
  CHECK_NOTHROW(flush.run("LOCK TABLE shapes_g1.every_type IN ROW EXCLUSIVE MODE NOWAIT"));
  flush.run("COMMIT");
  CHECK_NOTHROW(applier.get());
  CHECK(shapes.value("SELECT position || ' ' || emits_from FROM sluice.position") == "0 6");
}

TEST_CASE("readers go on while applying waits for one of them") {
  const BuiltShapes shapes;
  PgConnection idle(shapes.url());
  idle.run("BEGIN; SELECT FROM sluice.position");
  auto applier = applies(shapes, Apply::everything, {});
  PgConnection reader(shapes.url());
  reader.run("SET lock_timeout = '3s'");
  for (int times = 0; times < 8; ++times) {
    REQUIRE(eventually([&] { return somebody_waits(shapes); }));
    CHECK_NOTHROW(reader.run("SELECT FROM sluice.freshness"));
  }
  idle.run("COMMIT");
  CHECK_NOTHROW(applier.get());
}

TEST_CASE("who prepares to flush takes tables in the order in which they are applied") {
  const BuiltShapes shapes;
  const auto rows = published_rows(*shapes_schema().tables);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto table = [&](std::size_t n) { return "shapes_g1." + table_name(*rows[n]); };
    PgConnection applier(shapes.url());
    applier.run("BEGIN; LOCK TABLE " + table(i) + " IN ACCESS EXCLUSIVE MODE");
    ShapesSession session(shapes.url(), 1);
    auto claim =
        std::async(std::launch::async, [&] { (void)session.sink.claim(Partition{0}, "me"); });
    REQUIRE(eventually([&] { return somebody_waits(shapes); }));
    for (std::size_t later = i + 1; later < rows.size(); ++later) {
      CHECK_NOTHROW(applier.run("LOCK TABLE " + table(later) + " IN ACCESS EXCLUSIVE MODE NOWAIT"));
    }
    applier.roll_back();
    CHECK_NOTHROW(claim.get());
  }
}

TEST_CASE("applying that ends a deadlock is done again") {
  const BuiltShapes shapes;
  bool gave_way = false;
  // Postgres ends the one whose wait lasts a second first.
  for (int tries = 0; tries < 5 && !gave_way; ++tries) {
    gave_way = applier_gives_way(shapes, Apply::everything);
  }
  CHECK(gave_way);
}

}  // namespace sluice::testing

// What a process says of its log, where the views of a database stand on it.

#include <catch2/catch.hpp>

#include "shapes/tables.pb.h"
#include "storage/memory/memory_log.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/schema.h"
#include "tests/integration/fresh_database.h"
#include "tools/sluice/node/log_watch.h"

using namespace sluice;
using sluice::testing::fresh_database;

TEST_CASE("a view that was set back is folded anew from a log that lost its tail meanwhile") {
  const std::string url = fresh_database();
  const PublishedSchema schema{
      .domain = "shapes", .tables = shapes::OnlyKey::descriptor()->file(), .partitions = 1};
  apply_schema(url, {&schema, 1});
  PgConnection person(url);
  person.run(
      "INSERT INTO sluice.position (projection, generation, partition, position) "
      "VALUES ('shapes', 1, 0, 3)");
  MemoryLog log([] { return Time{std::chrono::seconds(1)}; });
  log.create("shapes.events", 1);
  for (int i = 0; i < 3; ++i) {
    NewRecord record{Partition{0}, "k", "v"};
    log.writer()->append("shapes.events", {&record, 1});
  }
  StandingViews views(url);
  LogWatch watch({{"shapes", 1}}, {.topology = log, .views = &views});
  watch.start();
  CHECK(watch.troubles().empty());
  log.lose_tail("shapes.events", Partition{0}, 1);
  watch.look_again();
  CHECK(watch.troubles().size() == 1);
  CHECK(watch.lost_tails("shapes.events").size() == 1);
  person.run("UPDATE sluice.position SET position = 0");
  watch.look_again();
  CHECK(watch.troubles().empty());
  CHECK(watch.lost_tails("shapes.events").empty());
  // And is not set back once and for all.
  log.lose_tail("shapes.events", Partition{0}, 1);
  watch.look_again();
  CHECK(watch.troubles().size() == 1);
}

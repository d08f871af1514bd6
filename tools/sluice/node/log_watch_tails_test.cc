// A log that comes back without its tail: nothing is appended at offsets that were given out
// before.

#include <catch2/catch.hpp>

#include "storage/base/errors.h"
#include "tools/sluice/node/log_watch.h"
#include "tools/sluice/node/refusing_writer.h"
#include "tools/sluice/node/standing_log.h"

namespace sluice {

TEST_CASE("a log that comes back without its tail takes nothing before anybody has looked") {
  Standing standing;
  LogWatch watch({{"lockers", 2}}, {.topology = standing.log});
  const auto writer = refuse_lost_tails(standing.log.writer(), watch);
  watch.start();
  std::vector<NewRecord> records{{kFirst, "k", "v"}, {Partition{1}, "k", "v"}};
  standing.log.set_away(true);
  CHECK_THROWS_AS(writer->try_append(kStream, records), Retryable);
  CHECK(watch.doubted(kStream) == std::set{kFirst, Partition{1}});
  standing.log.lose_tail(kStream, kFirst, 1);
  SECTION("as long as it does not say where it ends") {
    CHECK_THROWS_AS(writer->append(kStream, records), Retryable);
    CHECK(watch.doubted(kStream).size() == 2);
  }
  standing.log.set_away(false);
  writer->try_append(kStream, records);
  REQUIRE(records[0].failure);
  CHECK_THAT(records[0].failure->reason, Catch::Contains("lockers.events/0 ends at 2"));
  CHECK_FALSE(records[1].failure);
  CHECK(watch.troubles().size() == 1);
  CHECK(watch.doubted(kStream).empty());
}

TEST_CASE("an append that fails while the tail is looked at has it looked at once more") {
  Standing standing;
  Overtaken overtaken(standing.log);
  LogWatch watch({{"lockers", 2}}, {.topology = overtaken});
  watch.start();
  watch.doubt(kStream, kFirst);
  overtaken.then = [&](Partition partition) { watch.doubt(kStream, partition); };
  CHECK_FALSE(watch.look_at_tail(kStream, kFirst));
  CHECK(watch.doubted(kStream) == std::set{kFirst});
  watch.look_again();
  CHECK(watch.doubted(kStream).contains(kFirst));
}

TEST_CASE("a doubted partition is asked for once an append, however many records it has") {
  Standing standing;
  Overtaken overtaken(standing.log);
  LogWatch watch({{"lockers", 2}}, {.topology = overtaken});
  const auto writer = refuse_lost_tails(standing.log.writer(), watch);
  watch.start();
  int asked = 0;
  overtaken.then = [&](Partition) { ++asked; };
  watch.doubt(kStream, kFirst);
  std::vector<NewRecord> records(20, {kFirst, "k", "v"});
  writer->try_append(kStream, records);
  CHECK(records.back().offset == Offset{22});
  CHECK(asked == 1);
}

TEST_CASE("an offset that is given out again is no success") {
  Standing standing;
  LogWatch watch({{"lockers", 2}}, {.topology = standing.log});
  watch.start();
  standing.log.lose_tail(kStream, kFirst, 2);
  standing.append(1);
  CHECK_THROWS_AS(watch.short_form("lockers", kFirst, Offset{2}), Corrupt);
  CHECK(watch.troubles().size() == 1);
}

}  // namespace sluice

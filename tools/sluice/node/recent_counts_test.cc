#include "tools/sluice/node/recent_counts.h"

#include <catch2/catch.hpp>

namespace sluice {
namespace {

using std::chrono::seconds;

using Clock = RecentCounts::Clock;

constexpr Clock::time_point kStart{seconds{1000}};

}  // namespace

TEST_CASE("what grew within the time counts, and what is older does not") {
  RecentGrowth growth(seconds{60});
  CHECK(growth.at(kStart, 3) == 3);
  CHECK(growth.at(kStart + seconds{30}, 5) == 5);
  CHECK(growth.at(kStart + seconds{61}, 5) == 2);
  CHECK(growth.at(kStart + seconds{89}, 9) == 6);
  CHECK(growth.at(kStart + seconds{200}, 9) == 0);
}

TEST_CASE("looks between long pauses tell of what came since the one before the time") {
  RecentGrowth growth(seconds{60});
  CHECK(growth.at(kStart, 1) == 1);
  CHECK(growth.at(kStart + seconds{500}, 4) == 3);
}

TEST_CASE("a partition that was fenced or moved is told of until that is long ago") {
  RecentCounts recent;
  std::map<std::string, PartitionCounts> counts;
  counts["tally:0"];
  counts["tally:3"].fenced = 2;
  counts["tally:3"].rebalances = 5;
  const auto first = recent.unsettled(kStart, counts);
  REQUIRE(first.size() == 1);
  CHECK(first[0].partition == "tally:3");
  CHECK(first[0].fenced == 2);
  CHECK(first[0].rebalances == 5);
  const auto later = recent.unsettled(kStart + seconds{70}, counts);
  REQUIRE(later.size() == 1);
  CHECK(later[0].fenced == 0);
  CHECK(later[0].rebalances == 5);
  CHECK(recent.unsettled(kStart + seconds{400}, counts).empty());
}

TEST_CASE("a store that takes no writes counts by the seconds since the look before") {
  RecentCounts recent;
  RocksVitals rocks;
  CHECK(recent.stalls(kStart, rocks).stopped_seconds == 0);
  rocks.stopped = 1;
  CHECK(recent.stalls(kStart + seconds{2}, rocks).stopped_seconds == 2);
  rocks.slowed = 1;
  const RecentCounts::Stalls both = recent.stalls(kStart + seconds{4}, rocks);
  CHECK(both.stopped_seconds == 4);
  CHECK(both.slowed_seconds == 2);
  CHECK(recent.stalls(kStart + seconds{90}, {}).stopped_seconds == 0);
}

}  // namespace sluice

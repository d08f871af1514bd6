#include "tools/sluice/node/quarantine_news.h"

#include <catch2/catch.hpp>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr QuarantineNews::Clock::time_point kStart{std::chrono::seconds{1000}};

}  // namespace

TEST_CASE("what enters quarantine is told once, of each domain one line a second at most") {
  QuarantineNews news;
  std::map<std::string, PartitionCounts> counts;
  const auto enters = [&](const std::string& partition, std::uint64_t records, std::int64_t last) {
    counts[partition].quarantined += records;
    counts[partition].last_quarantined = Offset{last};
  };
  CHECK(news.at(kStart, counts).empty());
  enters("tally:0", 1, 7);
  auto told = news.at(kStart, counts);
  REQUIRE(told.size() == 1);
  CHECK(told[0].projection == "tally");
  CHECK(told[0].records == 1);
  CHECK(told[0].partition == "tally:0");
  CHECK(told[0].position == Offset{7});
  CHECK(news.at(kStart + milliseconds{1}, counts).empty());

  // Of all partitions together, in one line, once a second has passed.
  enters("tally:0", 2, 9);
  CHECK(news.at(kStart + milliseconds{500}, counts).empty());
  enters("tally:1", 3, -1);
  enters("roster:0", 1, 4);
  told = news.at(kStart + milliseconds{600}, counts);
  REQUIRE(told.size() == 1);
  CHECK(told[0].projection == "roster");
  told = news.at(kStart + milliseconds{1000}, counts);
  REQUIRE(told.size() == 1);
  CHECK(told[0].records == 5);
  CHECK(told[0].partition == "tally:1");
  CHECK(told[0].position == Offset{-1});
  CHECK(news.at(kStart + milliseconds{9000}, counts).empty());
}

TEST_CASE("what a generation that nobody reads has in quarantine is not told of") {
  QuarantineNews news;
  std::map<std::string, PartitionCounts> counts;
  counts["tally.g2:0"].quarantined = 5;
  counts["tally.g2:0"].last_quarantined = Offset{7};
  CHECK(news.at(kStart, counts).empty());
}

}  // namespace sluice

#include "tools/simulate/auction.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "projectors/auction/projection.h"
#include "tests/support/fold_driver.h"

namespace sluice::simulate {
namespace {

AuctionShape small() {
  AuctionShape shape;
  shape.users = 100;
  shape.seconds = 60;
  return shape;
}

std::vector<std::string> lines(std::uint64_t seed) {
  AuctionTraffic traffic(seed, small());
  std::vector<std::string> all{cloud_event(traffic.created(Time{}, true))};
  while (const auto bid = traffic.next()) all.push_back(cloud_event(bid->fact));
  return all;
}

TEST_CASE("a seed gives the same bids each time, another seed others") {
  CHECK(lines(7) == lines(7));
  CHECK(lines(7) != lines(8));
  CHECK(lines(7)[0] ==
        R"({"specversion":"1.0","id":"simulate:flash:created","source":"/simulate",)"
        R"("type":"session.created","actor":"shop","actorlevel":"guest","actorrole":"service",)"
        R"("data":{"session_id":"flash","owner_id":"shop","product":"flash sale",)"
        R"("upset_price":10000,"inventory":10,"alpha":0.01,"beta":100,"gamma":1,)"
        R"("starts_at":"1970-01-01T00:00:00.000Z","ends_at":"1970-01-01T00:01:01.000Z"}})");
}

TEST_CASE("bids come in order of time, faster and higher towards the end, and all are admitted") {
  AuctionTraffic traffic(1, small());
  FoldDriver<Auction> driver;
  const auto created = traffic.created(driver.now, true);
  const Time starts = driver.now;
  REQUIRE(driver.post_as(created.actor, created.event) == "");
  double last = 0;
  std::map<int, int> a_tenth;
  std::map<std::string, double> before;
  while (const auto bid = traffic.next()) {
    REQUIRE(bid->at >= last);
    last = bid->at;
    ++a_tenth[static_cast<int>(bid->at / 6)];
    const auto& fact = bid->fact.event.bid_placed();
    const double coins = static_cast<double>(fact.price()) / 100;
    REQUIRE(coins >= 99.99 + bid->at / 2);
    REQUIRE(coins <= 120 + bid->at / 2);
    REQUIRE(fact.weight() >= 0.8);
    REQUIRE(fact.weight() <= 2.0);
    if (const auto found = before.find(fact.user_id()); found != before.end()) {
      const double expected =
          std::max(0.2, 3 * std::exp(-std::log(15) * found->second / small().seconds));
      REQUIRE(bid->at - found->second >= 0.8 * expected - 1e-9);
      REQUIRE(bid->at - found->second <= 1.2 * expected + 1e-9);
    }
    before[fact.user_id()] = bid->at;
    driver.now = starts + std::chrono::milliseconds(static_cast<std::int64_t>(bid->at * 1000));
    REQUIRE(driver.post_as(bid->fact.actor, bid->fact.event) == "");
  }
  CHECK(before.size() == 100);
  CHECK(last > 59);
  CHECK(a_tenth[9] > 8 * a_tenth[1]);
}

}  // namespace
}  // namespace sluice::simulate

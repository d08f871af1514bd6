// Bids: which are admitted, what stands, and what it scores.

#include <catch2/catch.hpp>
#include <cmath>

#include "projectors/auction/projection.h"
#include "projectors/auction/score.h"
#include "tests/support/auction_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace auctions;
using auction::Bid;
using auction::SessionStats;
using std::chrono::milliseconds;

Time at(std::int64_t count) { return Time{milliseconds{kBegin + count}}; }

struct Sale : FoldDriver<Auction> {
  explicit Sale(Terms terms = {}) {
    now = at(0);
    post(created("s", "olga", terms));
  }
  std::string_view bid_at(std::int64_t time, const std::string& user, std::int64_t price) {
    now = at(time);
    return post(bid("s", user, price));
  }
  const Bid& standing(const std::string& user) { return *row<Bid>("s", user); }
};

Terms from_to(std::int64_t starts, std::int64_t ends) {
  Terms terms;
  terms.starts_at = kBegin + starts;
  terms.ends_at = kBegin + ends;
  return terms;
}

}  // namespace

TEST_CASE("a bid is admitted while the session is open: from starts_at on, before ends_at") {
  Sale sale(from_to(100, 200));
  CHECK(sale.bid_at(99, "ann", 5) == "session.not_started");
  CHECK(sale.bid_at(100, "ann", 5) == "");
  CHECK(sale.bid_at(199, "ben", 5) == "");
  CHECK(sale.bid_at(200, "cat", 5) == "session.ended");  // its own record closes the session first
  CHECK(sale.bid_at(150, "cat", 5) == "session.ended");  // stamped before, behind it in the log
}

TEST_CASE("a bid stamped before starts_at has not started, though the record time has") {
  Sale sale(from_to(100, 200));
  sale.now = at(120);
  sale.tick();
  CHECK(sale.bid_at(99, "ann", 5) == "session.not_started");
  CHECK(sale.bid_at(100, "ann", 5) == "");
}

TEST_CASE("a price may not be below the upset price") {
  Terms terms = from_to(0, 200);
  terms.upset_price = 10;
  Sale sale(terms);
  CHECK(sale.bid_at(1, "ann", 9) == "bid.below_upset");
  CHECK(sale.bid_at(1, "ann", 10) == "");
  // Time comes before the price.
  CHECK(sale.bid_at(300, "ann", 9) == "session.ended");
}

TEST_CASE("a weight other than 1 only by a service, and that is said before anything of the bid") {
  const auto [who, allowed] = GENERATE(Catch::Generators::table<Actor, bool>(
      {{service(), true}, {moderator(), false}, {actor("olga"), false}, {actor("ann"), false}}));
  Sale sale(from_to(0, 200));
  CHECK(sale.post_as(who, bid("s", "ann", 5, 1.5)) == (allowed ? "" : "actor.not_allowed"));
  CHECK(sale.post_as(who, bid("s", "ben", 5, 1)) == "");
  sale.now = at(200);
  CHECK(sale.post_as(who, bid("s", "ann", 5, 0)) ==
        (allowed ? "session.ended" : "actor.not_allowed"));
}

TEST_CASE("the last bid by log order stands, also a lower one, also one stamped earlier") {
  Sale sale;
  sale.bid_at(50, "ann", 100);
  sale.bid_at(60, "ann", 10);
  CHECK(sale.standing("ann").price() == 10);
  sale.bid_at(55, "ann", 20);
  CHECK(sale.standing("ann").price() == 20);
  CHECK(sale.standing("ann").placed_at() == kBegin + 55);
  CHECK(sale.standing("ann").bid_count() == 3);
  CHECK(sale.row<SessionStats>("s")->bid_count() == 3);
  CHECK(sale.row<SessionStats>("s")->bidder_count() == 1);
}

TEST_CASE("a rejected bid leaves the standing one alone") {
  Terms terms;
  terms.upset_price = 10;
  Sale sale(terms);
  sale.bid_at(1, "ann", 50);
  sale.bid_at(2, "ann", 5);
  sale.post(bid("s", "ann", 70, 2));
  CHECK(sale.standing("ann").price() == 50);
  CHECK(sale.standing("ann").bid_count() == 1);
  CHECK(sale.row<SessionStats>("s")->bid_count() == 1);
}

TEST_CASE("a bid keeps what it was placed with") {
  Sale sale;
  sale.now = at(30);
  sale.occurred_at = at(-5000);
  const Offset position = sale.position();
  sale.post_as(service(), bid("s", "ann", 7, 2.5, "client-7"));
  CHECK(sale.standing("ann").client_bid_id() == "client-7");
  CHECK(sale.standing("ann").weight() == 2.5);
  CHECK(sale.standing("ann").placed_at() == kBegin + 30);
  CHECK(sale.standing("ann").occurred_at() == kBegin - 5000);
  CHECK(sale.standing("ann").position() == position.value);
  // occurred_at is the standing bid's: null when its producer said nothing.
  sale.occurred_at.reset();
  sale.post(bid("s", "ann", 7));
  CHECK_FALSE(sale.standing("ann").has_occurred_at());
  CHECK(sale.standing("ann").client_bid_id().empty());
}

TEST_CASE("a later weight does not touch a standing bid") {
  Sale sale;
  sale.post_as(service(), bid("s", "ann", 7, 2));
  const double before = sale.standing("ann").score();
  sale.post_as(service(), bid("s", "ben", 7, 9));
  CHECK(sale.standing("ann").score() == before);
  CHECK(sale.standing("ann").weight() == 2);
}

TEST_CASE("who bids again loses the earlier bonus") {
  Sale sale;
  sale.bid_at(0, "ann", 5);
  const double early = sale.standing("ann").score();
  CHECK(early == 5.0 + 1.0 + 1.0);
  sale.bid_at(1000, "ann", 5);
  CHECK(sale.standing("ann").score() == 5.0 + 0.5 + 1.0);
}

TEST_CASE("the score to the bit, in its order of operations") {
  auction::Session session;
  session.set_alpha(0.1);
  session.set_beta(0.2);
  session.set_gamma(0.3);
  // Bits by an independent evaluation in Python, whose floats are IEEE 754 doubles:
  // ((0.1 * float(p)) + (0.2 / (ms / 1000.0 + 1.0))) + (0.3 * w)
  const auto score = [&](std::int64_t price, double weight, int ms) {
    return auction_rules::score(session, {price, weight, milliseconds{ms}});
  };
  CHECK(score(3, 1.1, 0) == 0x1.a8f5c28f5c290p-1);
  CHECK(score(9007199254740991, 1.7, 333) == 0x1.999999999999ep+49);
  CHECK(score(7, 0.9, 1234567) == 0x1.f0b90e76662f6p-1);
  const double exact = score(45, 1.6, 2914);
  CHECK(exact == 0x1.41fd851153264p+2);
  // Another order of the sum, or a fused multiply-add, gives another number.
  const double b = 0.2 / (2914 / 1000.0 + 1.0);
  CHECK(exact != 0.1 * 45 + (b + 0.3 * 1.6));
  CHECK(exact != std::fma(0.3, 1.6, 0.1 * 45 + b));
  CHECK(exact != std::fma(0.1, 45, b) + 0.3 * 1.6);
}

}  // namespace sluice

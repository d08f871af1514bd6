// Statistics, leaderboard, ranking and winners.

#include <catch2/catch.hpp>

#include "projectors/auction/projection.h"
#include "tests/support/auction_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace auctions;
using auction::Bid;
using auction::Leaderboard;
using auction::Ranking;
using auction::Session;
using auction::SessionStats;
using std::chrono::milliseconds;

Time at(std::int64_t count) { return Time{milliseconds{kBegin + count}}; }

// Scores are prices, so that ties are made at will.
Terms by_price(std::int64_t inventory, std::optional<std::int64_t> ends = std::nullopt) {
  Terms terms;
  terms.inventory = inventory;
  terms.beta = terms.gamma = 0;
  if (ends) terms.ends_at = kBegin + *ends;
  return terms;
}

struct Sale : FoldDriver<Auction> {
  explicit Sale(const Terms& terms) {
    now = at(0);
    post(created("s", "olga", terms));
  }
  void bid_at(std::int64_t time, const std::string& user, std::int64_t price) {
    now = at(time);
    REQUIRE(post(bid("s", user, price)) == "");
  }
  void close() { REQUIRE(post_as(service(), closed("s")) == ""); }
  const SessionStats& stats() {
    flush();
    return *row<SessionStats>("s");
  }
  template <class Row>
  std::string users() {
    flush();
    std::string all;
    for (const Row& ranked : published<Row>()) all += ranked.user_id() + " ";
    return all;
  }
};

}  // namespace

TEST_CASE("statistics are there from the creation on, with zeros and nulls") {
  Sale sale(by_price(2));
  sale.flush();
  REQUIRE(sale.published<SessionStats>().size() == 1);
  CHECK(sale.stats().bidder_count() == 0);
  CHECK(sale.stats().bid_count() == 0);
  CHECK_FALSE(sale.stats().has_highest_bid());
  CHECK_FALSE(sale.stats().has_threshold_score());
}

TEST_CASE("order: score descending, then recorded_at, then position, never the user") {
  Sale sale(by_price(2));
  sale.bid_at(20, "b", 7);
  sale.bid_at(10, "d", 7);  // stamped earlier, though later in the log
  sale.bid_at(20, "a", 7);
  sale.bid_at(30, "c", 9);
  CHECK(sale.users<Leaderboard>() == "c d b a ");
  sale.close();
  CHECK(sale.users<Ranking>() == "c d b a ");
  CHECK(sale.users<Leaderboard>() == "c d b a ");
}

TEST_CASE("threshold_score is the score of the K-th bid, or of the last when there are fewer") {
  Sale sale(by_price(2));
  sale.bid_at(1, "a", 5);
  CHECK(sale.stats().threshold_score() == 5);
  sale.bid_at(2, "b", 9);
  CHECK(sale.stats().threshold_score() == 5);
  sale.bid_at(3, "c", 7);
  CHECK(sale.stats().threshold_score() == 7);
}

TEST_CASE("highest_bid is the greatest standing price, and falls when it is lowered") {
  Terms terms = by_price(1);
  terms.alpha = 0;
  terms.beta = 1;  // the earlier the better, whatever the price
  Sale sale(terms);
  sale.bid_at(0, "first", 1);
  sale.bid_at(100, "rich", 50);
  CHECK(sale.stats().highest_bid() == 50);  // not the price of the top scorer
  sale.bid_at(200, "rich", 40);
  CHECK(sale.stats().highest_bid() == 40);
  sale.bid_at(300, "rich", 0);
  CHECK(sale.stats().highest_bid() == 1);
}

TEST_CASE("the leaderboard has the first 100 and no more") {
  Sale sale(by_price(200));
  for (int i = 0; i < 150; ++i) sale.bid_at(i, "u" + std::to_string(i), i);
  sale.flush();
  const auto rows = sale.published<Leaderboard>();
  REQUIRE(rows.size() == 100);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].rank() == static_cast<std::int64_t>(i) + 1);
    CHECK(rows[i].price() == 149 - static_cast<std::int64_t>(i));
    CHECK(rows[i].score() == static_cast<double>(rows[i].price()));
    CHECK(rows[i].placed_at() == kBegin + rows[i].price());
  }
  CHECK(sale.stats().threshold_score() == 0);
}

TEST_CASE("a row of the leaderboard is rewritten only when its values changed") {
  Sale sale(by_price(2));
  for (int i = 0; i < 50; ++i) sale.bid_at(i, "u" + std::to_string(i), 1000 - i);
  sale.flush();
  // The 41st goes to the end: 40 rows stay.
  sale.bid_at(60, "u40", 1);
  sale.bid_at(61, "u49", 2);
  // refresh() is what flush() begins with.
  const std::size_t before = sale.dirty_rows();
  sale.refresh();
  CHECK(sale.dirty_rows() - before == 10);
  sale.refresh();
  CHECK(sale.dirty_rows() - before == 10);
}

TEST_CASE("ranking is empty until the close, then whole, with winners by rank") {
  Sale sale(by_price(2, 100));
  sale.bid_at(1, "a", 5);
  sale.bid_at(2, "b", 9);
  sale.bid_at(3, "c", 5);
  sale.flush();
  CHECK(sale.published<Ranking>().empty());
  CHECK(sale.row<Session>("s")->winner_count() == 0);
  CHECK_FALSE(sale.row<Session>("s")->has_final_price());
  sale.now = at(100);
  sale.tick();
  sale.flush();
  const auto rows = sale.published<Ranking>();
  REQUIRE(rows.size() == 3);
  CHECK(sale.users<Ranking>() == "b a c ");
  CHECK(rows[0].is_winner());
  CHECK(rows[1].is_winner());
  CHECK_FALSE(rows[2].is_winner());
  CHECK(rows[1].price() == 5);
  CHECK(rows[1].weight() == 1);
  CHECK(rows[1].placed_at() == kBegin + 1);
  CHECK(sale.row<Session>("s")->winner_count() == 2);
  CHECK(sale.row<Session>("s")->final_price() == 5);
}

TEST_CASE("final_price is the price at the line, not the lowest among winners") {
  Terms terms = by_price(2);
  terms.gamma = 1;
  Sale sale(terms);
  sale.post_as(service(), bid("s", "favoured", 1, 100));
  sale.bid_at(1, "second", 50);
  sale.bid_at(2, "third", 40);
  sale.close();
  CHECK(sale.row<Session>("s")->final_price() == 50);
  CHECK(sale.row<Session>("s")->winner_count() == 2);
}

TEST_CASE("with fewer bids than items the last ranked one sets the line") {
  Sale sale(by_price(10));
  sale.bid_at(1, "a", 5);
  sale.bid_at(2, "b", 9);
  CHECK(sale.stats().threshold_score() == 5);
  sale.close();
  CHECK(sale.row<Session>("s")->final_price() == 5);
  CHECK(sale.row<Session>("s")->winner_count() == 2);
}

TEST_CASE("without bids a close ranks nobody") {
  Sale sale(by_price(10));
  sale.close();
  sale.flush();
  CHECK(sale.published<Ranking>().empty());
  CHECK(sale.published<Leaderboard>().empty());
  CHECK_FALSE(sale.row<Session>("s")->has_final_price());
  CHECK(sale.row<Session>("s")->winner_count() == 0);
}

TEST_CASE("a closed session is immutable: no fact and no timer changes any of its rows") {
  Sale sale(by_price(2, 100));
  sale.bid_at(1, "a", 5);
  sale.bid_at(2, "b", 9);
  sale.now = at(100);
  sale.tick();
  sale.flush();
  const auto edits = sale.edits();
  sale.actor = service();
  CHECK(sale.post(bid("s", "a", 50)) == "session.ended");
  CHECK(sale.post(changed("s")) == "session.ended");
  CHECK(sale.post(closed("s")) == "");
  CHECK(sale.post(created("s", "olga")) == "session.exists");
  sale.now = at(1'000'000);
  sale.tick();
  sale.flush();
  CHECK(sale.edits() == edits);
}

TEST_CASE("sessions share nothing") {
  Sale sale(by_price(1));
  sale.post(created("t", "olga", by_price(1)));
  sale.bid_at(1, "a", 5);
  REQUIRE(sale.post(bid("t", "a", 8)) == "");
  sale.close();
  sale.flush();
  CHECK(sale.row<Session>("t")->status() == auction::SESSION_STATUS_OPEN);
  CHECK(sale.row<SessionStats>("t")->highest_bid() == 8);
  CHECK(sale.rows<Ranking>("t").empty());
  CHECK(sale.rows<Ranking>("s").size() == 1);
}

}  // namespace sluice

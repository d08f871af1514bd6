// The fold against the model over random histories: reasons, rows, scores to the bit.

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <vector>

#include "projectors/auction/projection.h"
#include "tests/support/auction_facts.h"
#include "tests/support/auction_model.h"
#include "tests/support/fold_driver.h"
#include "tests/support/same_rows.h"

namespace sluice {
namespace {

using namespace auctions;
using std::chrono::milliseconds;

class Digits {
 public:
  explicit Digits(std::uint64_t step) : rest_(step) {}
  int below(int n) {
    const auto digit = static_cast<int>(rest_ % static_cast<std::uint64_t>(n));
    rest_ /= static_cast<std::uint64_t>(n);
    return digit;
  }

 private:
  std::uint64_t rest_;
};

// The fold and the model on the same log.
class Both {
 public:
  Both() { driver_.now = Time{milliseconds{kBegin}}; }

  // A step is a number, which shrinks well.
  void step(std::uint64_t number) {
    Digits digits(number);
    const int what = digits.below(20);
    if (what < 11) return post(any_bid(digits), digits);
    if (what < 13) return post(any_creation(digits), digits);
    if (what < 15) return post(any_change(digits), digits);
    if (what == 15) return post(closed(session(digits)), digits);
    if (what == 16) return tick(digits);
    if (what == 17) driver_.flush();
    if (what == 18) driver_.restart();
    if (what == 19) driver_.flush_and_shrink();
  }

  void require_same() {
    driver_.flush();
    require<auction::Session>(model_.sessions());
    require<auction::SessionStats>(model_.stats());
    require<auction::Bid>(model_.bids());
    require<auction::Leaderboard>(model_.leaderboards());
    require<auction::Ranking>(model_.rankings());
  }

 private:
  static std::string session(Digits& digits) { return digits.below(4) == 3 ? "t" : "s"; }
  static std::string user(Digits& digits) { return "u" + std::to_string(digits.below(6)); }

  static Event any_bid(Digits& digits) {
    constexpr double kWeights[] = {1, 1, 1, 0, 0.1, 1.7, 1e15};
    const std::string id = session(digits);
    const std::string who = user(digits);
    const std::int64_t price = digits.below(12) == 11 ? 9007199254740991 : digits.below(8);
    return bid(id, who, price, kWeights[digits.below(7)], digits.below(2) == 1 ? "b" : "");
  }
  Event any_creation(Digits& digits) const {
    constexpr double kFactors[] = {1, 0, 0.1, 100, 1e12};
    Terms terms;
    const std::string id = session(digits);
    terms.inventory = 1 + digits.below(4);
    terms.upset_price = digits.below(3);
    terms.alpha = kFactors[digits.below(5)];
    terms.beta = kFactors[digits.below(5)];
    terms.gamma = kFactors[digits.below(5)];
    terms.starts_at = clock() + digits.below(6) * 200 - 400;
    if (digits.below(4) != 3) terms.ends_at = clock() + digits.below(20) * 200 - 200;
    return created(id, "olga", terms);
  }
  Event any_change(Digits& digits) const {
    Event event = changed(session(digits));
    auto& fact = *event.mutable_session_changed();
    if (digits.below(3) == 0) fact.set_inventory(1 + digits.below(3));
    if (digits.below(3) == 0) fact.set_upset_price(digits.below(4));
    if (digits.below(3) == 0) fact.set_alpha(0.3);
    if (digits.below(3) == 0) fact.set_product("clock");
    if (digits.below(2) == 0) {
      set_time(*fact.mutable_starts_at(), clock() + digits.below(6) * 200 - 200);
    }
    if (digits.below(2) == 0) {
      set_time(*fact.mutable_ends_at(), clock() + digits.below(10) * 200 - 200);
    }
    return event;
  }

  [[nodiscard]] std::int64_t clock() const { return driver_.now.time_since_epoch().count(); }

  // Mostly on, now and then back, and often not at all, so that bids tie.
  void move_clock(Digits& digits) {
    constexpr int kSteps[] = {0, 0, 0, 1, 150, 400, -150, -1};
    driver_.now += milliseconds{kSteps[digits.below(8)]};
  }
  void tick(Digits& digits) {
    move_clock(digits);
    driver_.tick();
    model_.pass(clock());
  }
  void post(const Event& event, Digits& digits) {
    move_clock(digits);
    const Actor actors[] = {actor("ann"), service(), moderator(), actor("olga"), actor("")};
    driver_.actor = actors[digits.below(5)];
    driver_.occurred_at.reset();
    if (digits.below(3) == 0) driver_.occurred_at = driver_.now - milliseconds{digits.below(99)};
    AuctionModel::Posted posted{event, driver_.actor, clock(), std::nullopt,
                                driver_.position().value};
    if (driver_.occurred_at) posted.occurred_at = driver_.occurred_at->time_since_epoch().count();
    const std::string expected = model_.post(posted);
    RC_ASSERT(std::string(driver_.post(event)) == expected);
  }
  template <class Row>
  void require(const std::vector<Row>& expected) {
    const std::string difference = testing::difference(driver_.published<Row>(), expected);
    if (!difference.empty()) RC_FAIL(difference);
  }

  FoldDriver<Auction> driver_;
  AuctionModel model_;
};

}  // namespace

TEST_CASE("the fold is what the model says, whatever was posted and whenever it was flushed") {
  using Steps = std::vector<std::uint64_t>;
  constexpr int kRounds = 30;
  for (int round = 0; round < kRounds; ++round) {
    // Every round begins at the same seed.
    const std::uint64_t salt = static_cast<std::uint64_t>(round) * 0x9e3779b97f4a7c15u;
    CHECK(rc::check("round " + std::to_string(round), [&] {
      const auto step = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
      const Steps steps = *rc::gen::resize(150, rc::gen::container<Steps>(step));
      Both both;
      for (std::size_t i = 0; i < steps.size(); ++i) {
        both.step(steps[i] ^ salt);
        if (i % 8 == 0) both.require_same();
      }
      both.require_same();
    }));
  }
}

}  // namespace sluice

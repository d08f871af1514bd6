// Sessions, reasons and time, sentence by sentence.

#include <catch2/catch.hpp>

#include "projectors/auction/projection.h"
#include "tests/support/auction_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace auctions;
using auction::Session;
using auction::SESSION_STATUS_CLOSED;
using auction::SESSION_STATUS_OPEN;
using auction::SESSION_STATUS_SCHEDULED;
using std::chrono::milliseconds;

Time at(std::int64_t count) { return Time{milliseconds{kBegin + count}}; }

struct Sale : FoldDriver<Auction> {
  Sale() { now = at(0); }
  std::string_view post_at(std::int64_t time, const Event& event) {
    now = at(time);
    return post(event);
  }
  void tick_at(std::int64_t time) {
    now = at(time);
    tick();
  }
  const Session& session(const std::string& id = "s") { return *row<Session>(id); }
};

Terms between(std::int64_t starts, std::optional<std::int64_t> ends) {
  Terms terms;
  terms.starts_at = kBegin + starts;
  if (ends) terms.ends_at = kBegin + *ends;
  return terms;
}

}  // namespace

TEST_CASE("a session is scheduled, or open at once when it starts no later than the record time") {
  Sale sale;
  CHECK(sale.post(created("s", "olga", between(1, 10))) == "");
  CHECK(sale.session().status() == SESSION_STATUS_SCHEDULED);
  CHECK(sale.post(created("t", "olga", between(0, 10))) == "");
  CHECK(sale.session("t").status() == SESSION_STATUS_OPEN);
  // By the partition's record time, not the record's own.
  CHECK(sale.post_at(-5, created("u", "olga", between(-1, 10))) == "");
  CHECK(sale.session("u").status() == SESSION_STATUS_OPEN);
  CHECK(sale.session("u").created_at() == kBegin - 5);
}

TEST_CASE("an id is used once") {
  Sale sale;
  CHECK(sale.post(created("s", "olga")) == "");
  // Before anything else that could be said against it.
  CHECK(sale.post(created("s", "ann", between(10, 5))) == "session.exists");
  CHECK(sale.post(closed("s")) == "actor.not_allowed");
  CHECK(sale.post_as(actor("olga"), closed("s")) == "");
  CHECK(sale.post(created("s", "olga")) == "session.exists");
}

TEST_CASE("there must be time to bid in: starts_at < ends_at, and the record time < ends_at") {
  Sale sale;
  sale.post_at(100, created("other", "olga"));
  CHECK(sale.post(created("s", "olga", between(200, 200))) == "session.times");
  CHECK(sale.post(created("s", "olga", between(200, 199))) == "session.times");
  CHECK(sale.post(created("s", "olga", between(0, 100))) == "session.times");
  CHECK(sale.post_at(50, created("s", "olga", between(0, 100))) == "session.times");
  CHECK(sale.post(created("s", "olga", between(0, 101))) == "");
  CHECK(sale.post(created("t", "olga", between(200, {}))) == "");  // an absent ends_at passes
}

TEST_CASE("owner is the actor with the owner's id, a moderator or a service") {
  const auto [who, allowed] = GENERATE(Catch::Generators::table<Actor, bool>({{actor("olga"), true},
                                                                              {moderator(), true},
                                                                              {service(), true},
                                                                              {actor("ann"), false},
                                                                              {actor(""), false}}));
  Sale sale;
  sale.post(created("s", "olga", between(100, 200)));
  const std::string_view expected = allowed ? "" : "actor.not_allowed";
  CHECK(sale.post_as(who, changed("s")) == expected);
  CHECK(sale.post_as(who, closed("s")) == expected);
  CHECK((sale.session().status() == SESSION_STATUS_CLOSED) == allowed);
}

TEST_CASE("of a session that there is not nothing can be said") {
  Sale sale;
  CHECK(sale.post(changed("s")) == "session.unknown");
  CHECK(sale.post(closed("s")) == "session.unknown");
  CHECK(sale.post(bid("s", "ann", 5, 2)) == "session.unknown");
}

TEST_CASE("a change names what it changes; an absent field stays as it was") {
  Sale sale;
  Terms terms = between(100, 200);
  terms.upset_price = 7;
  sale.post(created("s", "olga", terms));
  sale.actor = actor("olga");
  Event event = changed("s");
  event.mutable_session_changed()->set_product("clock");
  event.mutable_session_changed()->set_inventory(9);
  event.mutable_session_changed()->set_gamma(0);
  CHECK(sale.post(event) == "");
  CHECK(sale.session().product() == "clock");
  CHECK(sale.session().inventory() == 9);
  CHECK(sale.session().gamma() == 0);
  CHECK(sale.session().alpha() == 1);
  CHECK(sale.session().upset_price() == 7);
  CHECK(sale.session().starts_at() == kBegin + 100);
  CHECK(sale.session().ends_at() == kBegin + 200);
  CHECK(sale.session().owner_id() == "olga");
  CHECK(sale.session().created_at() == kBegin);
}

TEST_CASE("a change is refused once the session is open, and so after the first bid") {
  Sale sale;
  sale.actor = actor("olga");
  sale.post(created("s", "olga", between(0, 200)));
  CHECK(sale.post(changed("s")) == "session.started");
  CHECK(sale.post(bid("s", "ann", 5)) == "");
  // The first that fails is the reason: started before times.
  CHECK(sale.post(changed_times("s", kBegin + 300, kBegin + 100)) == "session.started");
  CHECK(sale.post_at(200, changed("s")) == "session.ended");
}

TEST_CASE("a change is held to the new values, and may open the session at once") {
  Sale sale;
  sale.actor = actor("olga");
  sale.post(created("s", "olga", between(100, 200)));
  CHECK(sale.post(changed_times("s", kBegin + 200, {})) == "session.times");
  CHECK(sale.post(changed_times("s", {}, kBegin + 100)) == "session.times");
  CHECK(sale.post(changed_times("s", kBegin - 5, kBegin)) == "session.times");
  CHECK(sale.session().status() == SESSION_STATUS_SCHEDULED);
  CHECK(sale.session().starts_at() == kBegin + 100);
  CHECK(sale.post(changed_times("s", kBegin, {})) == "");
  CHECK(sale.session().status() == SESSION_STATUS_OPEN);
}

TEST_CASE("timers open a session at starts_at and close it at ends_at, without any fact") {
  Sale sale;
  sale.post(created("s", "olga", between(100, 200)));
  sale.tick_at(99);
  CHECK(sale.session().status() == SESSION_STATUS_SCHEDULED);
  sale.tick_at(100);
  CHECK(sale.session().status() == SESSION_STATUS_OPEN);
  sale.tick_at(199);
  CHECK(sale.session().status() == SESSION_STATUS_OPEN);
  CHECK_FALSE(sale.session().has_closed_at());
  sale.tick_at(5000);
  CHECK(sale.session().status() == SESSION_STATUS_CLOSED);
  CHECK(sale.session().closed_at() == kBegin + 200);
}

TEST_CASE("both timers of one session may fire with one record, the start first") {
  Sale sale;
  sale.post(created("s", "olga", between(100, 200)));
  sale.tick_at(300);
  CHECK(sale.session().status() == SESSION_STATUS_CLOSED);
}

TEST_CASE("a change drops the timers of before") {
  Sale sale;
  sale.actor = actor("olga");
  sale.post(created("s", "olga", between(100, 200)));
  sale.post(changed_times("s", kBegin + 300, kBegin + 400));
  sale.tick_at(299);
  CHECK(sale.session().status() == SESSION_STATUS_SCHEDULED);
  sale.tick_at(300);
  CHECK(sale.session().status() == SESSION_STATUS_OPEN);
  sale.tick_at(399);
  CHECK(sale.session().status() == SESSION_STATUS_OPEN);
  sale.tick_at(400);
  CHECK(sale.session().status() == SESSION_STATUS_CLOSED);
}

TEST_CASE("closing early leaves ends_at as declared, and nothing happens at it any more") {
  Sale sale;
  sale.actor = actor("olga");
  sale.post(created("s", "olga", between(0, 200)));
  CHECK(sale.post_at(50, closed("s")) == "");
  CHECK(sale.session().status() == SESSION_STATUS_CLOSED);
  CHECK(sale.session().closed_at() == kBegin + 50);
  CHECK(sale.session().ends_at() == kBegin + 200);
  sale.tick_at(1000);
  CHECK(sale.session().closed_at() == kBegin + 50);
}

TEST_CASE("a scheduled session that is closed ends empty and never opens") {
  Sale sale;
  sale.actor = actor("olga");
  sale.post(created("s", "olga", between(100, 200)));
  CHECK(sale.post(closed("s")) == "");
  sale.tick_at(150);
  CHECK(sale.session().status() == SESSION_STATUS_CLOSED);
  CHECK(sale.session().winner_count() == 0);
  CHECK_FALSE(sale.session().has_final_price());
}

TEST_CASE("closing what is closed has no effect, by whom it may be closed") {
  Sale sale;
  sale.post(created("s", "olga", between(0, 200)));
  sale.post_as(actor("olga"), closed("s"));
  sale.now = at(60);
  CHECK(sale.post_as(actor("ann"), closed("s")) == "actor.not_allowed");
  CHECK(sale.post_as(actor("olga"), closed("s")) == "");
  CHECK(sale.session().closed_at() == kBegin);
  // Closed by the timer that its own record has fired.
  sale.post(created("t", "olga", between(0, 300)));
  sale.now = at(400);
  CHECK(sale.post_as(actor("olga"), closed("t")) == "");
  CHECK(sale.session("t").closed_at() == kBegin + 300);
}

TEST_CASE("without ends_at a session stays open until somebody closes it") {
  Sale sale;
  sale.post(created("s", "olga", between(0, {})));
  sale.tick_at(std::int64_t{1000} * 86'400'000);
  CHECK(sale.session().status() == SESSION_STATUS_OPEN);
  CHECK_FALSE(sale.session().has_ends_at());
}

TEST_CASE("a rejected fact leaves session and timers as they were") {
  Sale sale;
  sale.post(created("s", "olga", between(100, 200)));
  CHECK(sale.post_as(actor("olga"), changed_times("s", kBegin + 500, {})) == "session.times");
  CHECK(sale.post_as(actor("ann"), changed_times("s", kBegin + 50, {})) == "actor.not_allowed");
  sale.tick_at(99);
  CHECK(sale.session().status() == SESSION_STATUS_SCHEDULED);
  sale.tick_at(100);
  CHECK(sale.session().status() == SESSION_STATUS_OPEN);
}

}  // namespace sluice

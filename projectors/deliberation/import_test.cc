#include "projectors/deliberation/projection.h"

#include <catch2/catch.hpp>

#include "tests/support/deliberation_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace deliberation;
using namespace std::chrono_literals;

std::int64_t millis(Time time) { return time.time_since_epoch().count(); }

struct Driver : FoldDriver<Deliberation> {
  Driver() {
    actor = facts::service();
    post(facts::conversation("c", "import"));
  }
  void start(const std::string& id = "i") { REQUIRE(post(facts::import_started("c", id)) == ""); }
  void complete(const std::string& id = "i") {
    REQUIRE(post(facts::import_completed("c", id)) == "");
  }
  // The created_at of a new opinion.
  std::int64_t opinion() {
    std::string id = "o";
    id += std::to_string(++opinions_);
    REQUIRE(post(facts::opinion("c", id, "ann")) == "");
    return row<Opinion>("c", id)->created_at();
  }

 private:
  int opinions_ = 0;
};

TEST_CASE("inside an import a fact counts with the time at which it occurred") {
  Driver driver;
  driver.start();
  driver.occurred_at = driver.now - 24h;
  CHECK(driver.opinion() == millis(driver.now - 24h));
  driver.post(facts::vote("c", "o1", "ann", CHOICE_AGREE));
  CHECK(driver.row<Ballot>("c", "ann")->first_voted_at() == millis(driver.now - 24h));
  CHECK(driver.row<ConversationStats>("c")->last_reacted_at() == millis(driver.now - 24h));
}

TEST_CASE("outside an import only the record's time counts") {
  Driver driver;
  driver.occurred_at = driver.now - 24h;
  CHECK(driver.opinion() == millis(driver.now));
  driver.start();
  driver.complete();
  CHECK(driver.opinion() == millis(driver.now));
}

TEST_CASE("a time that is absent or in the future is not an occurred time") {
  Driver driver;
  driver.start();
  CHECK(driver.opinion() == millis(driver.now));
  driver.occurred_at = driver.now;
  CHECK(driver.opinion() == millis(driver.now));
  driver.occurred_at = driver.now + 1ms;
  CHECK(driver.opinion() == millis(driver.now));
  driver.occurred_at = driver.now - 1ms;
  CHECK(driver.opinion() == millis(driver.now - 1ms));
}

TEST_CASE("where an import's times run backwards, ballots keep the log's order") {
  Driver driver;
  driver.start();
  driver.occurred_at = driver.now - 1h;
  driver.opinion();
  driver.post(facts::vote("c", "o1", "ann", CHOICE_AGREE));
  driver.occurred_at = driver.now - 2h;
  driver.post(facts::vote("c", "o1", "ann", CHOICE_PASS));
  CHECK(driver.row<Ballot>("c", "ann")->first_voted_at() == millis(driver.now - 1h));
  CHECK(driver.row<Ballot>("c", "ann")->last_voted_at() == millis(driver.now - 2h));
  CHECK(driver.row<ConversationStats>("c")->last_reacted_at() == millis(driver.now - 1h));
}

TEST_CASE("a time before 1970 is a time") {
  Driver driver;
  driver.start();
  driver.occurred_at = Time{-1ms};
  driver.opinion();
  driver.post(facts::vote("c", "o1", "ann", CHOICE_AGREE));
  driver.occurred_at = Time{0ms};
  driver.post(facts::vote("c", "o1", "ann", CHOICE_AGREE));
  CHECK(driver.row<Ballot>("c", "ann")->first_voted_at() == -1);
  CHECK(driver.row<Ballot>("c", "ann")->last_voted_at() == 0);
  CHECK(driver.row<ConversationStats>("c")->last_reacted_at() == 0);
}

TEST_CASE("an import started twice is completed once, another goes on") {
  Driver driver;
  driver.occurred_at = driver.now - 1h;
  driver.start("i");
  driver.start("i");
  driver.start("j");
  driver.complete("i");
  driver.restart();
  CHECK(driver.opinion() == millis(driver.now - 1h));
  driver.complete("i");
  CHECK(driver.opinion() == millis(driver.now - 1h));
  driver.complete("j");
  CHECK(driver.opinion() == millis(driver.now));
  driver.start("i");
  CHECK(driver.opinion() == millis(driver.now - 1h));
}

TEST_CASE("a running import is a row that says how much is done, and of how much") {
  Driver driver;
  Event started = facts::import_started("c", "i");
  started.mutable_import_started()->set_total(3);
  const Time begun = driver.now;
  driver.post(started);
  driver.now += 1s;
  driver.opinion();
  driver.post(facts::vote("c", "o1", "ann", CHOICE_AGREE));
  driver.post(facts::vote("c", "o9", "ann", CHOICE_AGREE));  // rejected
  driver.restart();
  const auto* row = driver.row<Import>("c", "i");
  REQUIRE(row != nullptr);
  CHECK(row->total() == 3);
  CHECK(row->done() == 2);
  CHECK(row->started_at() == millis(begun));
  CHECK_FALSE(row->has_completed_at());
  driver.post(facts::moderated("c", "o1", MODERATION_HIDE));
  driver.complete("i");
  CHECK(driver.row<Import>("c", "i")->done() == 3);
  CHECK(driver.row<Import>("c", "i")->completed_at() == millis(driver.now));
  driver.post(facts::vote("c", "o1", "ann", CHOICE_PASS));
  CHECK(driver.row<Import>("c", "i")->done() == 3);
  driver.start("i");
  CHECK(driver.row<Import>("c", "i")->done() == 0);
  CHECK_FALSE(driver.row<Import>("c", "i")->has_total());
  CHECK_FALSE(driver.row<Import>("c", "i")->has_completed_at());
}

TEST_CASE("started again while under way, an import goes on counting") {
  Driver driver;
  driver.start("i");
  driver.opinion();
  Event again = facts::import_started("c", "i");
  again.mutable_import_started()->set_total(9);
  driver.post(again);
  CHECK(driver.row<Import>("c", "i")->done() == 1);
  CHECK_FALSE(driver.row<Import>("c", "i")->has_total());
}

TEST_CASE("an import of old facts does not push its conversation up the feeds") {
  Driver driver;
  Event event;
  event.mutable_conversation_edited()->set_conversation_id("c");
  event.mutable_conversation_edited()->set_indexed(true);
  driver.post(event);
  driver.start();
  driver.occurred_at = driver.now - 24h;
  driver.opinion();
  driver.post(facts::vote("c", "o1", "ann", CHOICE_AGREE));
  CHECK(driver.row<Feed>("c")->last_reacted_at() == millis(driver.now - 24h));
  driver.post(facts::edited("c", "Parks"));
  CHECK(driver.row<Conversation>("c")->edited_at() == millis(driver.now - 24h));
}

TEST_CASE("imports are the owner's and moderators'") {
  Driver driver;
  CHECK(driver.post_as(facts::actor("eve"), facts::import_started("c", "i")) ==
        "actor.not_allowed");
  CHECK(driver.post_as(facts::actor("eve"), facts::import_completed("c", "i")) ==
        "actor.not_allowed");
  CHECK(driver.post_as(facts::actor("import"), facts::import_started("c", "i")) == "");
  CHECK(driver.post_as(facts::moderator(), facts::import_completed("c", "i")) == "");
}

}  // namespace
}  // namespace sluice

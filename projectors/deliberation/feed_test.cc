#include <catch2/catch.hpp>

#include "projectors/deliberation/projection.h"
#include "tests/support/deliberation_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace deliberation;

Event indexed(const std::string& id, bool is) {
  Event event;
  event.mutable_conversation_edited()->set_conversation_id(id);
  event.mutable_conversation_edited()->set_indexed(is);
  return event;
}

struct Driver : FoldDriver<Deliberation> {
  explicit Driver(bool is_indexed = true) {
    Event event = facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1", "s2"});
    event.mutable_conversation_created()->set_slug("parks");
    event.mutable_conversation_created()->set_indexed(is_indexed);
    post(event);
    actor = facts::service();
  }
  bool shown() { return row<Feed>("c") != nullptr; }
};

TEST_CASE("a feed row says what conversation and conversation_stats say") {
  Driver driver;
  driver.post(facts::edited("c", "Parks"));
  driver.post(facts::vote("c", "s1", "ann", CHOICE_AGREE));
  driver.post(facts::vote("c", "s2", "bob", CHOICE_AGREE));
  driver.post(facts::moderated("c", "s2", MODERATION_HIDE));
  driver.post(facts::rekeyed("c", "olga", "eve"));
  driver.restart();
  const Feed& row = *driver.row<Feed>("c");
  CHECK(row.slug() == "parks");
  CHECK(row.title() == "Parks");
  CHECK(row.owner_id() == "eve");
  CHECK(row.created_at() == driver.row<Conversation>("c")->created_at());
  CHECK(row.last_reacted_at() == driver.row<ConversationStats>("c")->last_reacted_at());
  CHECK(row.opinion_count() == 1);
  CHECK(row.vote_count() == 1);
  CHECK(row.participant_count() == 1);
}

TEST_CASE("only indexed conversations that are open or closed are in the feed") {
  Driver driver(false);
  CHECK_FALSE(driver.shown());
  driver.post(indexed("c", true));
  CHECK(driver.shown());
  driver.post(facts::closed("c"));
  CHECK(driver.shown());
  driver.post(facts::locked("c"));
  CHECK_FALSE(driver.shown());
  driver.post(facts::moderated("c", "s1", MODERATION_HIDE));
  driver.post(facts::edited("c", "Parks"));
  CHECK_FALSE(driver.shown());
  driver.post(facts::unlocked("c"));
  REQUIRE(driver.shown());
  CHECK(driver.row<Feed>("c")->title() == "Parks");
  CHECK(driver.row<Feed>("c")->opinion_count() == 1);
  driver.post(indexed("c", false));
  CHECK_FALSE(driver.shown());
  driver.post(indexed("c", true));
  driver.post(facts::deleted("c"));
  CHECK_FALSE(driver.shown());
}

}  // namespace
}  // namespace sluice

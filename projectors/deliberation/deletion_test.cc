// Opinions and conversations that are deleted.

#include <catch2/catch.hpp>

#include "projectors/deliberation/projection.h"
#include "tests/support/deliberation_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace deliberation;

// Olga owns "c", in which ann wrote "o1" and bob "o2". Ann agrees with both, bob disagrees with
// "o1", cat passes on it and withdrew from "o2".
struct Voted : FoldDriver<Deliberation> {
  Voted() {
    Event created = facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1"});
    created.mutable_conversation_created()->set_indexed(true);
    post(created);
    post(facts::opinion("c", "o1", "ann"));
    post(facts::opinion("c", "o2", "bob"));
    post(facts::vote("c", "o1", "ann", CHOICE_AGREE));
    post(facts::vote("c", "o2", "ann", CHOICE_AGREE));
    post(facts::vote("c", "o1", "bob", CHOICE_DISAGREE));
    post(facts::vote("c", "o1", "cat", CHOICE_PASS));
    post(facts::vote("c", "o2", "cat", CHOICE_AGREE));
    post(facts::vote("c", "o2", "cat", CHOICE_NONE));
  }
  const ConversationStats& stats() { return *row<ConversationStats>("c"); }
};

TEST_CASE("the votes on a deleted opinion leave every counter and every ballot; its row stays") {
  Voted driver;
  driver.restart();
  const auto reacted = driver.stats().last_reacted_at();
  driver.now += std::chrono::hours(1);
  REQUIRE(driver.post_as(facts::moderator(), facts::opinion_deleted("c", "o1")) == "");
  CHECK(driver.row<Opinion>("c", "o1")->status() == OPINION_STATUS_DELETED);
  CHECK(driver.row<Opinion>("c", "o1")->body() == "body");
  CHECK(driver.row<OpinionStats>("c", "o1")->agrees() == 0);
  CHECK(driver.row<OpinionStats>("c", "o1")->disagrees() == 0);
  CHECK(driver.row<OpinionStats>("c", "o1")->passes() == 0);
  CHECK(driver.row<Ballot>("c", "ann")->votes() == R"({"o2":"agree"})");
  CHECK(driver.row<Ballot>("c", "bob")->votes().empty());
  CHECK(driver.row<Ballot>("c", "bob")->vote_count() == 0);
  CHECK(driver.stats().opinion_count() == 2);
  CHECK(driver.stats().total_opinion_count() == 2);
  CHECK(driver.stats().vote_count() == 1);
  CHECK(driver.stats().total_vote_count() == 1);
  CHECK(driver.stats().participant_count() == 1);
  CHECK(driver.stats().total_participant_count() == 1);
  CHECK(driver.stats().last_reacted_at() == reacted);
}

TEST_CASE("an opinion is deleted by its author or a moderator; deleted again it has no effect") {
  Voted driver;
  CHECK(driver.post_as(facts::actor("bob"), facts::opinion_deleted("c", "o1")) ==
        "actor.not_allowed");
  CHECK(driver.post_as(facts::actor("olga"), facts::opinion_deleted("c", "o1")) ==
        "actor.not_allowed");
  CHECK(driver.post_as(facts::actor(""), facts::opinion_deleted("c", "o1")) == "actor.not_allowed");
  CHECK(driver.post_as(facts::actor("ann"), facts::opinion_deleted("c", "o9")) ==
        "opinion.unknown");
  CHECK(driver.post_as(facts::actor("ann"), facts::opinion_deleted("c", "o1")) == "");
  CHECK(driver.post_as(facts::service(), facts::opinion_deleted("c", "o2")) == "");
  driver.flush();
  CHECK(driver.post_as(facts::actor("ann"), facts::opinion_deleted("c", "o1")) == "");
  CHECK(driver.post_as(facts::actor("bob"), facts::opinion_deleted("c", "o1")) ==
        "actor.not_allowed");
  CHECK(driver.dirty_rows() == 0);
}

TEST_CASE("nothing more is done to a deleted opinion; who may is told first") {
  Voted driver;
  driver.post_as(facts::moderator(), facts::opinion_deleted("c", "o1"));
  CHECK(driver.post(facts::vote("c", "o1", "dan", CHOICE_AGREE)) == "opinion.deleted");
  CHECK(driver.post_as(facts::moderator(), facts::moderated("c", "o1", MODERATION_HIDE)) ==
        "opinion.deleted");
  CHECK(driver.post_as(facts::moderator(), facts::meta("c", "o1", true)) == "opinion.deleted");
  CHECK(driver.post_as(facts::actor("ann"), facts::meta("c", "o1", true)) == "actor.not_allowed");
  // Its id stays used.
  CHECK(driver.post(facts::opinion("c", "o1", "ann")) == "");
  CHECK(driver.post(facts::opinion("c", "o1", "bob")) == "opinion.exists");
  CHECK(driver.row<Opinion>("c", "o1")->status() == OPINION_STATUS_DELETED);
}

TEST_CASE("a moderated opinion that is deleted leaves what counts moderated ones") {
  Voted driver;
  driver.post_as(facts::moderator(), facts::moderated("c", "o1", MODERATION_MOVE));
  driver.post_as(facts::moderator(), facts::moderated("c", "o2", MODERATION_HIDE));
  driver.post_as(facts::moderator(), facts::opinion_deleted("c", "o1"));
  CHECK(driver.stats().moderated_opinion_count() == 0);
  CHECK(driver.stats().hidden_opinion_count() == 1);
  CHECK(driver.stats().opinion_count() == 1);
  CHECK(driver.stats().total_opinion_count() == 2);
  CHECK(driver.stats().total_vote_count() == 1);
  CHECK(driver.stats().vote_count() == 0);
}

TEST_CASE("a deleted conversation is as if every opinion were deleted, and out of the feed") {
  Voted driver;
  driver.post(facts::opinion("c", "o3", "ann", {"body", true, false}));
  driver.post_as(facts::moderator(), facts::moderated("c", "o2", MODERATION_MOVE));
  driver.restart();
  REQUIRE(driver.row<Feed>("c") != nullptr);
  REQUIRE(driver.post_as(facts::actor("olga"), facts::deleted("c")) == "");
  CHECK(driver.row<Conversation>("c")->status() == CONVERSATION_STATUS_DELETED);
  CHECK(driver.row<Feed>("c") == nullptr);
  for (const Opinion& opinion : driver.rows<Opinion>("c")) {
    CHECK(opinion.status() == OPINION_STATUS_DELETED);
  }
  CHECK(driver.rows<Opinion>("c").size() == 4);
  for (const OpinionStats& votes : driver.rows<OpinionStats>("c")) {
    CHECK(votes.agrees() + votes.disagrees() + votes.passes() == 0);
  }
  CHECK(driver.rows<Ballot>("c").size() == 3);
  for (const Ballot& ballot : driver.rows<Ballot>("c")) {
    CHECK(ballot.votes().empty());
    CHECK(ballot.vote_count() == 0);
  }
  ConversationStats zero;
  zero.set_conversation_id("c");
  zero.set_last_reacted_at(driver.stats().last_reacted_at());
  *zero.mutable_gate() = driver.stats().gate();
  *zero.mutable_math() = driver.stats().math();
  CHECK(driver.stats().SerializeAsString() == zero.SerializeAsString());
}

TEST_CASE("a conversation is deleted by its owner or a moderator, once for good") {
  Voted driver;
  CHECK(driver.post_as(facts::actor("ann"), facts::deleted("c")) == "actor.not_allowed");
  CHECK(driver.post_as(facts::moderator(), facts::deleted("d")) == "conversation.unknown");
  CHECK(driver.post_as(facts::moderator(), facts::deleted("c")) == "");
  driver.flush();
  CHECK(driver.post_as(facts::actor("olga"), facts::deleted("c")) == "");
  CHECK(driver.post_as(facts::actor("ann"), facts::deleted("c")) == "actor.not_allowed");
  CHECK(driver.dirty_rows() == 0);
}

TEST_CASE("of a deleted conversation nothing is taken, whatever else there is to refuse") {
  const Event event = GENERATE(
      facts::edited("c", "t"), facts::closed("c"), facts::reopened("c"), facts::locked("c"),
      facts::unlocked("c"), facts::opinion("c", "o1", "bob"), facts::opinion_deleted("c", "o9"),
      facts::moderated("c", "o1", MODERATION_MOVE), facts::meta("c", "o1", true),
      facts::vote("c", "o9", "ann", CHOICE_AGREE), facts::eligibility("c", "ann", false),
      facts::import_started("c", "i"), facts::import_completed("c", "i"));
  Voted driver;
  driver.post_as(facts::moderator(), facts::locked("c"));
  driver.post_as(facts::moderator(), facts::closed("c"));
  driver.post_as(facts::moderator(), facts::deleted("c"));
  driver.flush();
  CHECK(driver.post(event) == "conversation.deleted");
  CHECK(driver.post_as(facts::service(), event) == "conversation.deleted");
  CHECK(driver.post(facts::conversation("c", "olga")) == "conversation.exists");
  CHECK(driver.dirty_rows() == 0);
}

TEST_CASE("the two derived facts work on a deleted conversation") {
  Voted driver;
  driver.post_as(facts::moderator(), facts::deleted("c"));
  driver.actor = facts::service();
  CHECK(driver.post(facts::rekeyed("c", "bob", "eve")) == "");
  CHECK(driver.row<Opinion>("c", "o2")->author_id() == "eve");
  CHECK(driver.row<Ballot>("c", "bob") == nullptr);
  CHECK(driver.row<Ballot>("c", "eve") != nullptr);
  CHECK(driver.post(facts::removed("c", "ann")) == "");
  CHECK(driver.row<Opinion>("c", "o1") == nullptr);
  CHECK(driver.row<Ballot>("c", "ann") == nullptr);
  CHECK(driver.stats().total_opinion_count() == 0);
  CHECK(driver.stats().total_vote_count() == 0);
}

TEST_CASE("a deleted opinion of a removed author is forgotten and counts no second time") {
  Voted driver;
  driver.post_as(facts::moderator(), facts::opinion_deleted("c", "o1"));
  driver.post_as(facts::service(), facts::removed("c", "ann"));
  CHECK(driver.row<Opinion>("c", "o1") == nullptr);
  CHECK(driver.stats().total_opinion_count() == 2);
  CHECK(driver.post(facts::vote("c", "o1", "bob", CHOICE_AGREE)) == "opinion.unknown");
}

}  // namespace
}  // namespace sluice

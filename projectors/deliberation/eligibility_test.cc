#include <catch2/catch.hpp>

#include "projectors/deliberation/projection.h"
#include "tests/support/deliberation_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace deliberation;

struct Driver : FoldDriver<Deliberation> {
  Driver() {
    post(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1", "s2"}));
    actor = facts::moderator();
  }
  void vote(const std::string& participant, const std::string& opinion = "s1",
            Choice choice = CHOICE_AGREE) {
    REQUIRE(post(facts::vote("c", opinion, participant, choice)) == "");
  }
  void eligible(const std::string& participant, bool is) {
    REQUIRE(post(facts::eligibility("c", participant, is)) == "");
  }
  const ConversationStats& stats() { return *row<ConversationStats>("c"); }
};

TEST_CASE("an ineligible participant is out of vote_count and participant_count, nothing else") {
  Driver driver;
  driver.vote("ann");
  driver.vote("ann", "s2");
  driver.vote("bob");
  driver.restart();
  driver.eligible("ann", false);
  CHECK(driver.stats().vote_count() == 1);
  CHECK(driver.stats().participant_count() == 1);
  CHECK(driver.stats().total_vote_count() == 3);
  CHECK(driver.stats().total_participant_count() == 2);
  CHECK(driver.row<OpinionStats>("c", "s1")->agrees() == 2);
  CHECK(driver.row<Ballot>("c", "ann")->vote_count() == 2);
  driver.vote("ann", "s2", CHOICE_NONE);
  CHECK(driver.stats().vote_count() == 1);
  CHECK(driver.stats().total_vote_count() == 2);
  driver.eligible("ann", true);
  CHECK(driver.stats().vote_count() == 2);
  CHECK(driver.stats().participant_count() == 2);
}

TEST_CASE("eligibility may come before the first vote") {
  Driver driver;
  driver.eligible("ann", false);
  driver.restart();
  driver.vote("ann");
  driver.vote("bob");
  CHECK(driver.stats().vote_count() == 1);
  CHECK(driver.stats().participant_count() == 1);
  CHECK(driver.stats().total_participant_count() == 2);
}

TEST_CASE("an ineligible participant's votes stay out when moderation ends") {
  Driver driver;
  driver.vote("ann");
  driver.post(facts::moderated("c", "s1", MODERATION_HIDE));
  driver.eligible("ann", false);
  driver.post(facts::moderated("c", "s1", MODERATION_NONE));
  CHECK(driver.stats().vote_count() == 0);
  driver.post(facts::moderated("c", "s1", MODERATION_HIDE));
  driver.eligible("ann", true);
  CHECK(driver.stats().vote_count() == 0);
  driver.post(facts::moderated("c", "s1", MODERATION_NONE));
  CHECK(driver.stats().vote_count() == 1);
  CHECK(driver.stats().participant_count() == 1);
}

TEST_CASE("eligibility is set by moderators; set as it is it has no effect") {
  Driver driver;
  driver.vote("ann");
  CHECK(driver.post_as(facts::actor("olga"), facts::eligibility("c", "ann", false)) ==
        "actor.not_allowed");
  CHECK(driver.post(facts::eligibility("d", "ann", false)) == "conversation.unknown");
  driver.flush();
  driver.eligible("ann", true);
  CHECK(driver.dirty_rows() == 0);
  driver.eligible("ann", false);
  driver.flush();
  driver.eligible("ann", false);
  CHECK(driver.dirty_rows() == 0);
}

TEST_CASE("while everybody is eligible, a vote looks for nobody's eligibility") {
  Driver driver;
  driver.eligible("eve", false);
  driver.eligible("eve", true);
  CHECK(driver.stats().gate().ineligible_participants() == 0);
}

TEST_CASE("rekeyed, `into` keeps its own eligibility") {
  Driver driver;
  driver.vote("ann");
  driver.vote("bob");
  driver.eligible("ann", false);
  driver.eligible("eve", false);
  driver.actor = facts::service();
  driver.post(facts::rekeyed("c", "ann", "dan"));
  CHECK(driver.stats().vote_count() == 2);
  driver.post(facts::rekeyed("c", "bob", "eve"));
  CHECK(driver.stats().vote_count() == 1);
  CHECK(driver.stats().total_vote_count() == 2);
}

}  // namespace
}  // namespace sluice

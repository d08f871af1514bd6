#include "projectors/deliberation/projection.h"

#include <catch2/catch.hpp>

#include "projectors/deliberation/ballot_votes.h"
#include "tests/support/deliberation_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace deliberation;
using namespace std::chrono_literals;

std::int64_t millis(Time time) { return time.time_since_epoch().count(); }

// A conversation "c" with the opinions "s1" and "s2", and nobody's vote.
struct Driver : FoldDriver<Deliberation> {
  Driver() { post(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1", "s2"})); }
  std::string_view vote(const std::string& participant_id, Choice choice,
                        const std::string& opinion_id = "s1") {
    return post(facts::vote("c", opinion_id, participant_id, choice));
  }
  const ConversationStats& stats() { return *row<ConversationStats>("c"); }
  const OpinionStats& votes() { return *row<OpinionStats>("c", "s1"); }
};

TEST_CASE("the last vote stands, from whatever it was before") {
  const auto before = GENERATE(CHOICE_NONE, CHOICE_AGREE, CHOICE_DISAGREE, CHOICE_PASS);
  const auto after = GENERATE(CHOICE_NONE, CHOICE_AGREE, CHOICE_DISAGREE, CHOICE_PASS);
  Driver driver;
  REQUIRE(driver.vote("ann", before) == "");
  REQUIRE(driver.vote("ann", after) == "");

  CHECK(driver.votes().agrees() == (after == CHOICE_AGREE));
  CHECK(driver.votes().disagrees() == (after == CHOICE_DISAGREE));
  CHECK(driver.votes().passes() == (after == CHOICE_PASS));
  const int live = after != CHOICE_NONE;
  CHECK(driver.stats().vote_count() == live);
  CHECK(driver.stats().total_vote_count() == live);
  CHECK(driver.stats().participant_count() == live);
  CHECK(driver.stats().total_participant_count() == live);
  const auto* ballot = driver.row<Ballot>("c", "ann");
  REQUIRE((ballot != nullptr) == (before != CHOICE_NONE || after != CHOICE_NONE));
  if (ballot == nullptr) return;
  CHECK(ballot->vote_count() == live);
  CHECK(ballot->votes().empty() == !live);
  CHECK(ballot_votes::find(ballot->votes(), "s1") == after);
}

TEST_CASE("a repeat and a withdrawal are activity") {
  const auto again = GENERATE(CHOICE_AGREE, CHOICE_NONE);
  Driver driver;
  const Time first = driver.now;
  driver.vote("ann", CHOICE_AGREE);
  driver.now += 5s;
  driver.vote("ann", again);
  CHECK(driver.row<Ballot>("c", "ann")->first_voted_at() == millis(first));
  CHECK(driver.row<Ballot>("c", "ann")->last_voted_at() == millis(first + 5s));
  CHECK(driver.stats().last_reacted_at() == millis(first + 5s));
}

TEST_CASE("withdrawing what was never voted makes no ballot, but is activity") {
  Driver driver;
  CHECK(driver.vote("ann", CHOICE_NONE) == "");
  CHECK(driver.row<Ballot>("c", "ann") == nullptr);
  CHECK(driver.stats().last_reacted_at() == millis(driver.now));

  driver.vote("ann", CHOICE_AGREE);
  driver.now += 1s;
  CHECK(driver.vote("ann", CHOICE_NONE, "s2") == "");
  CHECK(driver.row<Ballot>("c", "ann")->last_voted_at() == millis(driver.now));
  CHECK(driver.row<Ballot>("c", "ann")->vote_count() == 1);
}

TEST_CASE("a rejected vote leaves no trace") {
  Driver driver;
  driver.flush();
  CHECK(driver.vote("ann", CHOICE_AGREE, "o9") == "opinion.unknown");
  CHECK(driver.post(facts::vote("d", "s1", "ann", CHOICE_AGREE)) == "conversation.unknown");
  CHECK(driver.dirty_rows() == 0);
}

TEST_CASE("the conversation's state is told before the opinion's absence") {
  Driver driver;
  driver.post_as(facts::service(), facts::closed("c"));
  CHECK(driver.vote("ann", CHOICE_AGREE, "o9") == "conversation.closed");
}

TEST_CASE("voting and withdrawing again and again keeps the voter once in the index") {
  Driver driver;
  for (int i = 0; i < 100; ++i) {
    driver.vote("ann", CHOICE_AGREE);
    driver.vote("ann", CHOICE_NONE);
  }
  CHECK(driver.votes().voters() == "ann\n");
  driver.vote("ann", CHOICE_PASS);
  CHECK(driver.votes().voters() == "ann\n");
  CHECK(driver.row<Ballot>("c", "ann")->withdrawn().empty());
}

TEST_CASE("a first vote changes three rows: the ballot and both stats") {
  Driver driver;
  driver.vote("bob", CHOICE_AGREE);  // of which the author is told
  driver.flush();
  driver.vote("ann", CHOICE_AGREE);
  CHECK(driver.dirty_rows() == 3);
}

TEST_CASE("a participant is counted once, whatever the number of votes") {
  Driver driver;
  driver.vote("ann", CHOICE_AGREE, "s1");
  driver.vote("ann", CHOICE_PASS, "s2");
  driver.vote("bob", CHOICE_PASS, "s2");
  CHECK(driver.stats().vote_count() == 3);
  CHECK(driver.stats().participant_count() == 2);
  driver.vote("ann", CHOICE_NONE, "s1");
  CHECK(driver.stats().participant_count() == 2);
  driver.vote("ann", CHOICE_NONE, "s2");
  CHECK(driver.stats().participant_count() == 1);
}

TEST_CASE("a moderated opinion's vote does not make a participant") {
  Driver driver;
  driver.post_as(facts::moderator(), facts::moderated("c", "s1", MODERATION_HIDE));
  driver.vote("ann", CHOICE_AGREE, "s1");
  CHECK(driver.stats().participant_count() == 0);
  CHECK(driver.stats().total_participant_count() == 1);
  driver.vote("ann", CHOICE_AGREE, "s2");
  CHECK(driver.stats().participant_count() == 1);
  driver.vote("ann", CHOICE_NONE, "s2");
  CHECK(driver.stats().participant_count() == 0);
}

}  // namespace
}  // namespace sluice

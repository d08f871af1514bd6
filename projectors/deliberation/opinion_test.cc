#include "projectors/deliberation/projection.h"

#include <catch2/catch.hpp>

#include "tests/support/deliberation_facts.h"
#include "tests/support/fold_driver.h"
#include "tests/support/same_rows.h"

namespace sluice {
namespace {

using namespace deliberation;
using Driver = FoldDriver<Deliberation>;

// A conversation "c" with one opinion "o1", on which ann agrees, bob disagrees and cat passes, and
// a second, "o2", on which only ann votes.
struct Voted : Driver {
  Voted() {
    post(facts::conversation("c", "olga"));
    post(facts::opinion("c", "o1", "olga"));
    post(facts::opinion("c", "o2", "olga"));
    post(facts::vote("c", "o1", "ann", CHOICE_AGREE));
    post(facts::vote("c", "o1", "bob", CHOICE_DISAGREE));
    post(facts::vote("c", "o1", "cat", CHOICE_PASS));
    post(facts::vote("c", "o2", "ann", CHOICE_AGREE));
    actor = facts::moderator();
  }
  const ConversationStats& stats() { return *row<ConversationStats>("c"); }
};

TEST_CASE("an author agrees with an opinion posted with auto_vote, unless it is a seed") {
  const auto [auto_vote, is_seed, votes] = GENERATE(Catch::Generators::table<bool, bool, int>({
      {true, false, 1},
      {false, false, 0},
      {true, true, 0},
  }));
  Driver driver;
  driver.post(facts::conversation("c", "olga"));
  REQUIRE(driver.post(facts::opinion("c", "o1", "ann", {"body", auto_vote, is_seed})) == "");

  CHECK(driver.row<Opinion>("c", "o1")->is_seed() == is_seed);
  CHECK(driver.row<OpinionStats>("c", "o1")->agrees() == votes);
  const auto& stats = *driver.row<ConversationStats>("c");
  CHECK(stats.vote_count() == votes);
  CHECK(stats.participant_count() == votes);
  CHECK(stats.last_reacted_at() == driver.now.time_since_epoch().count());
  const auto* ballot = driver.row<Ballot>("c", "ann");
  REQUIRE((ballot != nullptr) == (votes == 1));
  if (ballot != nullptr) CHECK(ballot->votes() == R"({"o1":"agree"})");
}

TEST_CASE("an opinion posted again has no effect, a different one under its id is refused") {
  const auto [author, content, reason] =
      GENERATE(Catch::Generators::table<std::string, facts::OpinionContent, std::string>({
          {"ann", {"body", false, false}, ""},
          {"ann", {"body", true, false}, ""},
          {"bob", {"body", false, false}, "opinion.exists"},
          {"ann", {"Body", false, false}, "opinion.exists"},
          {"ann", {"body", false, true}, "opinion.exists"},
      }));
  Driver driver;
  driver.post(facts::conversation("c", "olga"));
  driver.post(facts::opinion("c", "o1", "ann"));
  driver.flush();
  driver.now += std::chrono::hours(1);
  CHECK(driver.post(facts::opinion("c", "o1", author, content)) == reason);
  CHECK(driver.dirty_rows() == 0);
}

TEST_CASE("move and hide leave the counters, none restores them") {
  const auto [state, moved, hidden] = GENERATE(Catch::Generators::table<Moderation, int, int>({
      {MODERATION_MOVE, 1, 0},
      {MODERATION_HIDE, 0, 1},
  }));
  Voted driver;
  REQUIRE(driver.post(facts::moderated("c", "o1", state, "off topic")) == "");
  CHECK(driver.row<Opinion>("c", "o1")->moderation() == state);
  CHECK(driver.row<Opinion>("c", "o1")->moderation_reason() == "off topic");
  CHECK(driver.stats().opinion_count() == 1);
  CHECK(driver.stats().total_opinion_count() == 2);
  CHECK(driver.stats().moderated_opinion_count() == moved);
  CHECK(driver.stats().hidden_opinion_count() == hidden);
  CHECK(driver.stats().vote_count() == 1);
  CHECK(driver.stats().total_vote_count() == 4);
  CHECK(driver.stats().participant_count() == 1);
  CHECK(driver.stats().total_participant_count() == 3);
  CHECK(driver.row<OpinionStats>("c", "o1")->agrees() == 1);
  CHECK(driver.row<Ballot>("c", "bob")->vote_count() == 1);

  driver.restart();
  REQUIRE(driver.post(facts::moderated("c", "o1", MODERATION_NONE)) == "");
  CHECK(driver.row<Opinion>("c", "o1")->moderation_reason() == "");
  CHECK(driver.stats().opinion_count() == 2);
  CHECK(driver.stats().moderated_opinion_count() == 0);
  CHECK(driver.stats().hidden_opinion_count() == 0);
  CHECK(driver.stats().vote_count() == 4);
  CHECK(driver.stats().participant_count() == 3);
}

TEST_CASE("a vote on a moderated opinion is kept, and counts when the moderation ends") {
  Voted driver;
  driver.post(facts::moderated("c", "o1", MODERATION_MOVE));
  CHECK(driver.post(facts::vote("c", "o1", "dan", CHOICE_AGREE)) == "");
  CHECK(driver.post(facts::vote("c", "o1", "bob", CHOICE_NONE)) == "");
  CHECK(driver.stats().vote_count() == 1);
  CHECK(driver.stats().total_vote_count() == 4);
  CHECK(driver.row<OpinionStats>("c", "o1")->agrees() == 2);
  driver.post(facts::moderated("c", "o1", MODERATION_NONE));
  CHECK(driver.stats().vote_count() == 4);
  CHECK(driver.stats().participant_count() == 3);
}

TEST_CASE("meta changes no counter and is absolute") {
  Voted driver;
  const std::string before = testing::bytes(testing::shown(driver.stats()));
  CHECK(driver.post(facts::meta("c", "o1", true)) == "");
  CHECK(driver.row<Opinion>("c", "o1")->is_meta());
  CHECK(driver.post(facts::meta("c", "o1", true)) == "");
  CHECK(driver.row<Opinion>("c", "o1")->is_meta());
  CHECK(driver.post(facts::meta("c", "o1", false)) == "");
  CHECK_FALSE(driver.row<Opinion>("c", "o1")->is_meta());
  CHECK(testing::bytes(testing::shown(driver.stats())) == before);
}

TEST_CASE("who moderates, and the order of the reasons") {
  const Event event =
      GENERATE(facts::moderated("c", "o1", MODERATION_HIDE), facts::meta("c", "o1", true));
  Event unknown = event;
  if (unknown.has_opinion_moderated()) unknown.mutable_opinion_moderated()->set_opinion_id("o9");
  if (unknown.has_opinion_marked_meta()) {
    unknown.mutable_opinion_marked_meta()->set_opinion_id("o9");
  }
  Voted driver;
  CHECK(driver.post_as(facts::actor("olga"), event) == "actor.not_allowed");  // the owner
  CHECK(driver.post_as(facts::actor("olga"), unknown) == "opinion.unknown");
  CHECK(driver.post_as(facts::moderator(), unknown) == "opinion.unknown");
  CHECK(driver.post_as(facts::service(), event) == "");
}

TEST_CASE("moderating an opinion with more voters than fit one part reaches all of them") {
  Driver driver;
  driver.post(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1"}));
  for (int i = 0; i < 300; ++i) {
    driver.post(facts::vote("c", "s1", "participant-" + std::to_string(i), CHOICE_AGREE));
    if (i % 50 == 0) driver.restart();
  }
  REQUIRE(driver.row<Voters>("c", "s1", 1U) != nullptr);
  driver.post_as(facts::moderator(), facts::moderated("c", "s1", MODERATION_HIDE));
  CHECK(driver.row<ConversationStats>("c")->vote_count() == 0);
  CHECK(driver.row<ConversationStats>("c")->participant_count() == 0);
  driver.post_as(facts::moderator(), facts::moderated("c", "s1", MODERATION_NONE));
  CHECK(driver.row<ConversationStats>("c")->vote_count() == 300);
  CHECK(driver.row<ConversationStats>("c")->participant_count() == 300);
  CHECK(driver.row<Ballot>("c", "participant-7")->moderated_votes() == 0);
}

}  // namespace
}  // namespace sluice

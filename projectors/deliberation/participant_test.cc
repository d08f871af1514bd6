#include <catch2/catch.hpp>

#include "people/events.pb.h"
#include "projectors/deliberation/projection.h"
#include "tests/support/deliberation_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace deliberation;

// Olga owns "c". Ann wrote "o1", bob wrote "o2"; ann agrees with both, bob disagrees with "o1" and
// agrees with "o2", cat passes on "o1".
struct Voted : FoldDriver<Deliberation> {
  Voted() {
    now = Time{std::chrono::milliseconds{5}};
    post(facts::conversation("c", "olga"));
    post(facts::opinion("c", "o1", "ann"));
    post(facts::opinion("c", "o2", "bob"));
    vote("o1", "ann", CHOICE_AGREE, 10);
    vote("o2", "ann", CHOICE_AGREE, 20);
    vote("o1", "bob", CHOICE_DISAGREE, 30);
    vote("o2", "bob", CHOICE_AGREE, 40);
    vote("o1", "cat", CHOICE_PASS, 50);
    emitted<people::Event>();
    actor = facts::service();
  }
  void vote(const std::string& opinion, const std::string& participant, Choice choice, int at) {
    now = Time{std::chrono::milliseconds{at}};
    post(facts::vote("c", opinion, participant, choice));
  }
  const ConversationStats& stats() { return *row<ConversationStats>("c"); }
  // Whom people was told of since the last call.
  std::vector<std::string> told() {
    std::vector<std::string> all;
    for (const auto& event : emitted<people::Event>()) all.push_back(event.user_joined().user_id());
    return all;
  }
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("a removed participant's votes and opinions leave everything and are forgotten") {
  Voted driver;
  REQUIRE(driver.post(facts::removed("c", "ann")) == "");
  CHECK(driver.row<Ballot>("c", "ann") == nullptr);
  CHECK(driver.row<Opinion>("c", "o1") == nullptr);
  CHECK(driver.row<OpinionStats>("c", "o1") == nullptr);
  CHECK(driver.row<OpinionStats>("c", "o2")->agrees() == 1);
  CHECK(driver.row<Ballot>("c", "bob")->votes() == R"({"o2":"agree"})");
  CHECK(driver.row<Ballot>("c", "bob")->vote_count() == 1);
  // A ballot stays, also when it has no vote any more.
  CHECK(driver.row<Ballot>("c", "cat")->vote_count() == 0);
  CHECK(driver.stats().opinion_count() == 1);
  CHECK(driver.stats().total_opinion_count() == 1);
  CHECK(driver.stats().vote_count() == 1);
  CHECK(driver.stats().participant_count() == 1);
  CHECK(driver.stats().total_participant_count() == 1);
  CHECK(driver.stats().last_reacted_at() == 50);
  CHECK(driver.post(facts::vote("c", "o1", "bob", CHOICE_AGREE)) == "opinion.unknown");
}

TEST_CASE("nothing is taken from a removed participant any more, closed being told first") {
  Voted driver;
  driver.post(facts::removed("c", "ann"));
  CHECK(driver.post(facts::vote("c", "o2", "ann", CHOICE_AGREE)) == "participant.removed");
  CHECK(driver.post(facts::opinion("c", "o3", "ann")) == "participant.removed");
  CHECK(driver.post(facts::vote("c", "o2", "bob", CHOICE_PASS)) == "");
  driver.restart();
  CHECK(driver.post(facts::vote("c", "o2", "ann", CHOICE_AGREE)) == "participant.removed");
  driver.post(facts::closed("c"));
  CHECK(driver.post(facts::vote("c", "o2", "ann", CHOICE_AGREE)) == "conversation.closed");
  CHECK(driver.post(facts::removed("c", "bob")) == "");
  CHECK(driver.row<Ballot>("c", "bob") == nullptr);
}

TEST_CASE("removed twice has no effect, removed before taking part is removed") {
  Voted driver;
  driver.post(facts::removed("c", "ann"));
  driver.post(facts::removed("c", "eve"));
  driver.flush();
  CHECK(driver.post(facts::removed("c", "ann")) == "");
  CHECK(driver.dirty_rows() == 0);
  CHECK(driver.post(facts::vote("c", "o2", "eve", CHOICE_AGREE)) == "participant.removed");
}

TEST_CASE("what became of participants is said by a service, of a conversation that there is") {
  Voted driver;
  for (const Actor& other : {facts::moderator(), facts::actor("ann"), facts::actor("")}) {
    CHECK(driver.post_as(other, facts::removed("c", "ann")) == "actor.not_allowed");
    CHECK(driver.post_as(other, facts::rekeyed("c", "ann", "bob")) == "actor.not_allowed");
    CHECK(driver.post_as(other, facts::removed("d", "ann")) == "conversation.unknown");
  }
  CHECK(driver.post(facts::removed("d", "ann")) == "conversation.unknown");
  CHECK(driver.post(facts::rekeyed("d", "ann", "bob")) == "conversation.unknown");
}

TEST_CASE("an owner who is removed stays named") {
  Voted driver;
  driver.post(facts::removed("c", "olga"));
  CHECK(driver.row<Conversation>("c")->owner_id() == "olga");
}

TEST_CASE("rekeyed votes move; on conflict the vote of `into` stays") {
  Voted driver;
  driver.vote("o2", "cat", CHOICE_DISAGREE, 60);
  driver.post(facts::rekeyed("c", "ann", "cat"));
  CHECK(driver.row<Ballot>("c", "ann") == nullptr);
  const Ballot& ballot = *driver.row<Ballot>("c", "cat");
  CHECK(ballot.votes() == R"({"o1":"pass","o2":"disagree"})");
  CHECK(ballot.first_voted_at() == 10);
  CHECK(ballot.last_voted_at() == 60);
  CHECK(driver.row<OpinionStats>("c", "o1")->agrees() == 0);
  CHECK(driver.row<OpinionStats>("c", "o1")->passes() == 1);
  CHECK(driver.stats().vote_count() == 4);
  CHECK(driver.stats().participant_count() == 2);
  CHECK(driver.post(facts::vote("c", "o2", "ann", CHOICE_AGREE)) == "participant.removed");
}

TEST_CASE("rekeyed into somebody new, who takes everything over") {
  Voted driver;
  driver.post(facts::rekeyed("c", "ann", "eve"));
  CHECK(driver.row<Ballot>("c", "eve")->vote_count() == 2);
  CHECK(driver.row<Ballot>("c", "eve")->first_voted_at() == 10);
  CHECK(driver.row<Ballot>("c", "eve")->last_voted_at() == 20);
  CHECK(driver.row<Opinion>("c", "o1")->author_id() == "eve");
  CHECK(driver.stats().total_vote_count() == 5);
  CHECK(driver.told() == Told{"eve"});
  driver.post(facts::rekeyed("c", "olga", "eve"));
  CHECK(driver.row<Conversation>("c")->owner_id() == "eve");
  CHECK(driver.told().empty());
  driver.post(facts::removed("c", "eve"));
  CHECK(driver.stats().total_vote_count() == 1);
  CHECK(driver.row<Opinion>("c", "o1") == nullptr);
}

TEST_CASE("rekeyed into somebody who was removed is removed; out of one, nothing") {
  Voted driver;
  driver.post(facts::removed("c", "cat"));
  driver.post(facts::rekeyed("c", "ann", "cat"));
  CHECK(driver.row<Ballot>("c", "ann") == nullptr);
  CHECK(driver.row<Ballot>("c", "cat") == nullptr);
  CHECK(driver.row<Opinion>("c", "o1") == nullptr);
  driver.flush();
  CHECK(driver.post(facts::rekeyed("c", "ann", "bob")) == "");
  CHECK(driver.dirty_rows() == 0);
  CHECK(driver.told().empty());
}

TEST_CASE("people is told when somebody first owns, writes or votes") {
  FoldDriver<Deliberation> fold;
  const auto told = [&] {
    std::vector<std::string> all;
    for (const auto& event : fold.emitted<people::Event>()) {
      CHECK(event.user_joined().conversation_id() == "c");
      all.push_back(event.user_joined().user_id());
    }
    return all;
  };
  fold.post(facts::conversation("c", "olga"));
  CHECK(told() == Told{"olga"});
  fold.post(facts::opinion("c", "o1", "ann"));
  fold.post(facts::opinion("c", "o2", "ann"));
  CHECK(told() == Told{"ann"});
  fold.post(facts::vote("c", "o1", "bob", CHOICE_NONE));
  CHECK(told().empty());
  fold.post(facts::vote("c", "o1", "bob", CHOICE_AGREE));
  fold.restart();
  fold.post(facts::vote("c", "o2", "bob", CHOICE_AGREE));
  fold.post(facts::opinion("c", "o3", "bob", {"body", true, false}));
  CHECK(told() == Told{"bob"});
  fold.post(facts::vote("c", "o9", "cat", CHOICE_AGREE));  // rejected
  CHECK(told().empty());
}

TEST_CASE("people is not told of an import, but of whoever takes part after it") {
  FoldDriver<Deliberation> fold;
  fold.actor = facts::service();
  fold.post(facts::conversation("c", "import"));
  fold.emitted<people::Event>();
  fold.post(facts::import_started("c", "i"));
  fold.post(facts::opinion("c", "o1", "ann", {"body", true, false}));
  fold.post(facts::vote("c", "o1", "bob", CHOICE_AGREE));
  CHECK(fold.emitted<people::Event>().empty());
  fold.post(facts::import_completed("c", "i"));
  fold.post(facts::vote("c", "o1", "bob", CHOICE_AGREE));
  fold.post(facts::opinion("c", "o2", "ann"));
  CHECK(fold.emitted<people::Event>().size() == 2);
}

TEST_CASE("voters of a large opinion are found in all its parts when one is removed") {
  FoldDriver<Deliberation> fold;
  fold.actor = facts::service();
  fold.post(facts::conversation("c", "olga"));
  fold.post(facts::opinion("c", "o1", "olga"));
  for (int i = 0; i < 300; ++i) {
    fold.post(facts::vote("c", "o1", "u" + std::to_string(i), CHOICE_AGREE));
  }
  fold.restart();
  for (const char* gone : {"u0", "u150", "u299"}) fold.post(facts::removed("c", gone));
  CHECK(fold.row<OpinionStats>("c", "o1")->agrees() == 297);
  fold.post(facts::moderated("c", "o1", MODERATION_HIDE));
  CHECK(fold.row<ConversationStats>("c")->vote_count() == 0);
  CHECK(fold.row<ConversationStats>("c")->total_vote_count() == 297);
  fold.post(facts::removed("c", "olga"));
  CHECK(fold.rows<Voters>("c").empty());
  CHECK(fold.row<ConversationStats>("c")->total_vote_count() == 0);
}

}  // namespace sluice

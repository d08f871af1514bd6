#include "projectors/deliberation/projection.h"

#include <catch2/catch.hpp>

#include "tests/support/deliberation_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace deliberation;
using Driver = FoldDriver<Deliberation>;

std::int64_t millis(Time time) { return time.time_since_epoch().count(); }

TEST_CASE("a conversation is shown as it was created, with zeros") {
  Driver driver;
  Event event = facts::conversation("c", "olga", PARTICIPATION_ACCOUNT);
  auto& fact = *event.mutable_conversation_created();
  fact.set_slug("s");
  fact.set_title("Parks");
  fact.set_body(" spaces stay ");
  fact.set_kind("poll");
  fact.set_indexed(true);
  REQUIRE(driver.post(event) == "");

  const auto& row = *driver.row<Conversation>("c");
  CHECK(row.slug() == "s");
  CHECK(row.owner_id() == "olga");
  CHECK(row.title() == "Parks");
  CHECK(row.body() == " spaces stay ");
  CHECK(row.kind() == "poll");
  CHECK(row.status() == CONVERSATION_STATUS_OPEN);
  CHECK(row.indexed());
  CHECK(row.participation() == PARTICIPATION_ACCOUNT);
  CHECK(row.created_at() == millis(driver.now));
  CHECK_FALSE(row.has_edited_at());
  const auto& stats = *driver.row<ConversationStats>("c");
  CHECK(stats.total_opinion_count() == 0);
  CHECK_FALSE(stats.has_last_reacted_at());
}

TEST_CASE("seeds are opinions by the owner, without a vote and no reaction") {
  Driver driver;
  driver.post(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1", "s2"}));

  const auto& seed = *driver.row<Opinion>("c", "s1");
  CHECK(seed.author_id() == "olga");
  CHECK(seed.body() == "seed");
  CHECK(seed.is_seed());
  CHECK(seed.created_at() == millis(driver.now));
  CHECK(driver.row<OpinionStats>("c", "s2")->agrees() == 0);
  CHECK(driver.rows<Ballot>("c").empty());
  const auto& stats = *driver.row<ConversationStats>("c");
  CHECK(stats.opinion_count() == 2);
  CHECK(stats.total_opinion_count() == 2);
  CHECK_FALSE(stats.has_last_reacted_at());
}

TEST_CASE("a conversation id is used once, closed or not") {
  Driver driver;
  driver.post(facts::conversation("c", "olga"));
  CHECK(driver.post(facts::conversation("c", "olga")) == "conversation.exists");
  driver.post_as(facts::moderator(), facts::closed("c"));
  CHECK(driver.post(facts::conversation("c", "else")) == "conversation.exists");
  CHECK(driver.row<Conversation>("c")->owner_id() == "olga");
}

TEST_CASE("owner, moderators and services close and reopen; nobody else") {
  const auto [actor, reason] = GENERATE(Catch::Generators::table<Actor, std::string>({
      {facts::actor("olga"), ""},
      {facts::moderator(), ""},
      {facts::service(), ""},
      {facts::actor("eve", Actor::LEVEL_VERIFIED), "actor.not_allowed"},
      {facts::actor(""), "actor.not_allowed"},
  }));
  Driver driver;
  driver.post(facts::conversation("c", "olga"));
  CHECK(driver.post_as(actor, facts::closed("c")) == reason);
  CHECK((driver.row<Conversation>("c")->status() == CONVERSATION_STATUS_CLOSED) == (reason == ""));
  driver.post_as(facts::moderator(), facts::closed("c"));
  CHECK(driver.post_as(actor, facts::reopened("c")) == reason);
  CHECK((driver.row<Conversation>("c")->status() == CONVERSATION_STATUS_OPEN) == (reason == ""));
}

TEST_CASE("closing what is closed is admitted and changes nothing") {
  Driver driver;
  driver.post(facts::conversation("c", "olga"));
  CHECK(driver.post_as(facts::service(), facts::closed("c")) == "");
  const auto edits = driver.edits();
  CHECK(driver.post_as(facts::service(), facts::closed("c")) == "");
  CHECK(driver.edits() == edits);
}

TEST_CASE("a closed conversation takes no opinions and votes, a reopened one does") {
  Driver driver;
  driver.post(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1"}));
  driver.post_as(facts::moderator(), facts::closed("c"));
  CHECK(driver.post(facts::vote("c", "s1", "ann", CHOICE_AGREE)) == "conversation.closed");
  CHECK(driver.post_as(facts::service(), facts::opinion("c", "o1", "ann")) ==
        "conversation.closed");
  CHECK(driver.post_as(facts::moderator(), facts::moderated("c", "s1", MODERATION_HIDE)) == "");
  driver.post_as(facts::moderator(), facts::reopened("c"));
  CHECK(driver.post(facts::vote("c", "s1", "ann", CHOICE_AGREE)) == "");
}

TEST_CASE("taking part needs the conversation's level; a service meets every level") {
  static const std::string account = "participation.account_required";
  static const std::string verified = "participation.verification_required";
  using Row = std::tuple<Participation, Actor::Level, std::string>;
  const auto [participation, level, reason] =
      GENERATE(Catch::Generators::table<Participation, Actor::Level, std::string>({
          Row{PARTICIPATION_GUEST, Actor::LEVEL_GUEST, ""},
          Row{PARTICIPATION_ACCOUNT, Actor::LEVEL_GUEST, account},
          Row{PARTICIPATION_ACCOUNT, Actor::LEVEL_ACCOUNT, ""},
          Row{PARTICIPATION_ACCOUNT, Actor::LEVEL_VERIFIED, ""},
          Row{PARTICIPATION_VERIFIED, Actor::LEVEL_GUEST, verified},
          Row{PARTICIPATION_VERIFIED, Actor::LEVEL_ACCOUNT, verified},
          Row{PARTICIPATION_VERIFIED, Actor::LEVEL_VERIFIED, ""},
      }));
  Driver driver;
  driver.post(facts::conversation("c", "olga", participation, {"s1"}));
  const Actor guest = facts::actor("ann", level);
  const Actor moderator = facts::actor("ann", level, Actor::ROLE_MODERATOR);
  const Actor service = facts::actor("svc", level, Actor::ROLE_SERVICE);
  CHECK(driver.post_as(guest, facts::vote("c", "s1", "ann", CHOICE_PASS)) == reason);
  CHECK(driver.post_as(guest, facts::opinion("c", "o1", "ann")) == reason);
  CHECK(driver.post_as(moderator, facts::vote("c", "s1", "ann", CHOICE_PASS)) == reason);
  CHECK(driver.post_as(service, facts::vote("c", "s1", "ann", CHOICE_PASS)) == "");
}

TEST_CASE("an edit replaces what it names, an absent field stays as it was") {
  Driver driver;
  driver.post(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1"}));
  driver.post(facts::vote("c", "s1", "ann", CHOICE_AGREE));
  driver.flush();
  const std::string counters = driver.row<ConversationStats>("c")->SerializeAsString();
  driver.now += std::chrono::hours(1);
  REQUIRE(driver.post_as(facts::actor("olga"), facts::edited("c", "Parks")) == "");
  CHECK(driver.row<Conversation>("c")->title() == "Parks");
  CHECK(driver.row<Conversation>("c")->edited_at() == millis(driver.now));
  CHECK(driver.row<ConversationStats>("c")->SerializeAsString() == counters);

  Event event;
  auto& fact = *event.mutable_conversation_edited();
  fact.set_conversation_id("c");
  fact.set_body("Where?");
  fact.set_participation(PARTICIPATION_VERIFIED);
  REQUIRE(driver.post_as(facts::moderator(), event) == "");
  CHECK(driver.row<Conversation>("c")->title() == "Parks");
  CHECK(driver.row<Conversation>("c")->body() == "Where?");
  CHECK(driver.row<Conversation>("c")->participation() == PARTICIPATION_VERIFIED);
  CHECK(driver.post(facts::vote("c", "s1", "ann", CHOICE_PASS)) ==
        "participation.verification_required");
  CHECK(driver.post_as(facts::actor("eve"), event) == "actor.not_allowed");
}

TEST_CASE("an edit that changes nothing has no effect") {
  Driver driver;
  driver.post(facts::conversation("c", "olga"));
  driver.flush();
  driver.now += std::chrono::hours(1);
  CHECK(driver.post_as(facts::actor("olga"), facts::edited("c", "title")) == "");
  CHECK_FALSE(driver.row<Conversation>("c")->has_edited_at());
  CHECK(driver.dirty_rows() == 0);
}

TEST_CASE("moderators lock and unlock, the owner does not") {
  Driver driver;
  driver.post(facts::conversation("c", "olga"));
  for (const Event& event : {facts::locked("c"), facts::unlocked("c")}) {
    CHECK(driver.post_as(facts::actor("olga"), event) == "actor.not_allowed");
    CHECK(driver.post_as(facts::moderator(), event) == "");
    CHECK(driver.post_as(facts::service(), event) == "");
  }
  CHECK(driver.row<Conversation>("c")->status() == CONVERSATION_STATUS_OPEN);
}

TEST_CASE("status shows the strongest of deleted, locked, closed, open") {
  Driver driver;
  driver.post(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1"}));
  driver.actor = facts::moderator();
  const auto status = [&] { return driver.row<Conversation>("c")->status(); };
  const auto vote = [&] { return driver.post(facts::vote("c", "s1", "ann", CHOICE_AGREE)); };
  driver.post(facts::locked("c"));
  CHECK(status() == CONVERSATION_STATUS_LOCKED);
  CHECK(vote() == "conversation.locked");
  driver.post(facts::closed("c"));
  CHECK(status() == CONVERSATION_STATUS_LOCKED);
  CHECK(vote() == "conversation.locked");
  driver.post(facts::unlocked("c"));
  CHECK(status() == CONVERSATION_STATUS_CLOSED);
  CHECK(vote() == "conversation.closed");
  driver.post(facts::reopened("c"));
  CHECK(status() == CONVERSATION_STATUS_OPEN);
  CHECK(vote() == "");
  driver.post(facts::locked("c"));
  driver.post(facts::deleted("c"));
  CHECK(status() == CONVERSATION_STATUS_DELETED);
  CHECK(vote() == "conversation.deleted");
}

TEST_CASE("facts other than participation work on a closed and locked conversation") {
  Driver driver;
  driver.post(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1", "s2"}));
  driver.actor = facts::service();
  driver.post(facts::locked("c"));
  driver.post(facts::closed("c"));
  CHECK(driver.post(facts::edited("c", "Parks")) == "");
  CHECK(driver.post(facts::moderated("c", "s1", MODERATION_HIDE)) == "");
  CHECK(driver.post(facts::meta("c", "s1", true)) == "");
  CHECK(driver.post(facts::opinion_deleted("c", "s1")) == "");
  CHECK(driver.post(facts::eligibility("c", "ann", false)) == "");
  CHECK(driver.post(facts::import_started("c", "i")) == "");
  CHECK(driver.post(facts::import_completed("c", "i")) == "");
  CHECK(driver.post(facts::removed("c", "ann")) == "");
  CHECK(driver.post(facts::deleted("c")) == "");
}

TEST_CASE("the gate tells locked, closed, removed, account and verification, in this order") {
  const Event event = GENERATE(facts::vote("c", "o9", "ann", CHOICE_AGREE),
                               facts::opinion("c", "s1", "ann", {"other", false, false}));
  Driver driver;
  driver.post(facts::conversation("c", "olga", PARTICIPATION_ACCOUNT, {"s1"}));
  driver.actor = facts::service();
  driver.post(facts::locked("c"));
  driver.post(facts::closed("c"));
  driver.post(facts::removed("c", "ann"));
  driver.actor = facts::actor("ann");
  CHECK(driver.post(event) == "conversation.locked");
  driver.post_as(facts::moderator(), facts::unlocked("c"));
  CHECK(driver.post(event) == "conversation.closed");
  driver.post_as(facts::moderator(), facts::reopened("c"));
  CHECK(driver.post(event) == "participant.removed");
  CHECK(driver.post_as(facts::service(), event) == "participant.removed");
  Event bob = event;
  if (bob.has_vote_set()) bob.mutable_vote_set()->set_participant_id("bob");
  if (bob.has_opinion_created()) bob.mutable_opinion_created()->set_author_id("bob");
  CHECK(driver.post(bob) == "participation.account_required");
  CHECK(driver.post_as(facts::service(), bob) ==
        (bob.has_vote_set() ? "opinion.unknown" : "opinion.exists"));
}

TEST_CASE("every fact but the first needs the conversation") {
  const Event event = GENERATE(
      facts::edited("c", "t"), facts::locked("c"), facts::unlocked("c"), facts::deleted("c"),
      facts::opinion_deleted("c", "o"), facts::eligibility("c", "ann", true),
      facts::removed("c", "ann"), facts::closed("c"), facts::reopened("c"),
      facts::opinion("c", "o", "ann"), facts::meta("c", "o", true),
      facts::moderated("c", "o", MODERATION_MOVE), facts::vote("c", "o", "ann", CHOICE_AGREE),
      facts::import_started("c", "i"), facts::import_completed("c", "i"));
  Driver driver;
  CHECK(driver.post(event) == "conversation.unknown");
  CHECK(driver.dirty_rows() == 0);
}

}  // namespace
}  // namespace sluice

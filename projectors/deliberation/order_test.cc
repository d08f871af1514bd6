// Which facts may change places, and which may not. Both happen at one time, since rows tell times.

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "projectors/deliberation/projection.h"
#include "tests/support/deliberation_history.h"
#include "tests/support/fold_driver.h"
#include "tests/support/same_rows.h"

namespace sluice {
namespace {

using namespace deliberation;
using Posted = DeliberationModel::Posted;

class Folded : public FoldDriver<Deliberation> {
 public:
  std::string post_one(const Posted& fact) {
    now = Time{std::chrono::milliseconds{fact.recorded_at}};
    occurred_at.reset();
    if (fact.occurred_at) occurred_at = Time{std::chrono::milliseconds{*fact.occurred_at}};
    return std::string(post_as(fact.actor, fact.event));
  }
};

// What differs in what readers see; notifications only where they are asked for.
std::string difference(Folded& a, Folded& b, bool notifications) {
  std::string all;
  const auto compare = [&]<class Row>() {
    all += testing::difference(a.rows<Row>(), b.rows<Row>());
  };
  compare.operator()<Conversation>();
  compare.operator()<ConversationStats>();
  compare.operator()<Opinion>();
  compare.operator()<OpinionStats>();
  compare.operator()<Ballot>();
  compare.operator()<Feed>();
  compare.operator()<Import>();
  if (notifications) compare.operator()<Notification>();
  return all;
}

// The result of `before`, then the two in either order: what differs.
std::string swapped(const std::vector<Posted>& before, const Posted& one, const Posted& other,
                    bool notifications = true) {
  Folded a, b;
  for (const Posted& fact : before) {
    a.post_one(fact);
    b.post_one(fact);
  }
  const std::string one_first = a.post_one(one);
  const std::string other_last = a.post_one(other);
  const std::string other_first = b.post_one(other);
  const std::string one_last = b.post_one(one);
  if (one_first != one_last || other_first != other_last) {
    return "rejected: " + one_first + " " + other_last + " or " + one_last + " " + other_first;
  }
  return difference(a, b, notifications);
}

Posted at(const Event& event, std::int64_t time = 5000) {
  return {event, facts::service(), time, {}};
}

using Steps = std::vector<std::uint64_t>;

bool always(const std::vector<Posted>&, const Event&) { return true; }

// Rekeying can have made anybody the owner by then.
bool moves_no_ownership(const std::vector<Posted>& before, const Event& rekeyed) {
  Folded driver;
  for (const Posted& fact : before) driver.post_one(fact);
  return driver.row<Conversation>("c")->owner_id() != rekeyed.participant_rekeyed().from();
}

// Drawn inside a property.
std::vector<Posted> any_history() {
  const auto step = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
  const Steps steps = *rc::gen::resize(60, rc::gen::container<Steps>(step));
  std::vector<Posted> all{history::opening(steps.size(), 1000)};
  for (const std::uint64_t each : steps) {
    all.push_back(history::posted(each, all.back().recorded_at + 1));
  }
  return all;
}

history::Digits any_digits() {
  return history::Digits(*rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>()));
}

// After any history: `make` draws the pair from two sets of digits. The law is for pairs whose
// first `applies` after it.
template <class Make>
void require_commuting(const char* law, Make make, bool notifications = true,
                       bool (*applies)(const std::vector<Posted>&, const Event&) = always) {
  const auto commutes = [&] {
    const std::vector<Posted> before = any_history();
    history::Digits one = any_digits();
    history::Digits other = any_digits();
    const auto [a, b] = make(one, other);
    RC_PRE(applies(before, a));
    const std::string differs = swapped(before, at(a), at(b), notifications);
    if (!differs.empty()) RC_FAIL(differs);
  };
  CHECK(rc::check(law, commutes));
}

std::string opinion(history::Digits& digits) {
  return history::numbered("o", digits.below(history::kOpinions));
}
std::string participant(history::Digits& digits) {
  return history::numbered("u", digits.below(history::kParticipants));
}
Event any_vote(history::Digits& digits) {
  return facts::vote("c", opinion(digits), participant(digits), Choice(digits.below(4)));
}
Event any_moderation(history::Digits& digits) {
  return facts::moderated("c", opinion(digits), Moderation(digits.below(3)));
}
Event any_eligibility(history::Digits& digits) {
  return facts::eligibility("c", participant(digits), digits.below(2) == 0);
}
using Pair = std::pair<Event, Event>;

TEST_CASE("facts about two conversations commute") {
  require_commuting("any two", [](history::Digits& a, history::Digits& b) {
    Event one = history::any_fact(a);
    Event other = history::any_fact(b);
    // The conversation's id is field 1 of every fact.
    const auto move = [](Event& event, const std::string& id) {
      const auto* fact =
          event.GetReflection()->GetOneofFieldDescriptor(event, Event::descriptor()->oneof_decl(0));
      auto* message = event.GetReflection()->MutableMessage(&event, fact);
      message->GetReflection()->SetString(message, fact->message_type()->FindFieldByNumber(1), id);
    };
    move(one, "c");
    move(other, "d");
    return Pair{one, other};
  });
}

TEST_CASE("votes of two participants commute, and of one on two opinions") {
  require_commuting(
      "but for milestones, which count what was reached in between",
      [](history::Digits& a, history::Digits& b) {
        Event one = any_vote(a);
        Event other = any_vote(b);
        auto& fact = *other.mutable_vote_set();
        if (fact.participant_id() == one.vote_set().participant_id() &&
            fact.opinion_id() == one.vote_set().opinion_id()) {
          fact.set_participant_id("u9");
        }
        return Pair{one, other};
      },
      false);
  require_commuting("milestones too, where no vote on the opinion is taken back in between",
                    [](history::Digits& a, history::Digits& b) {
                      Event one = any_vote(a);
                      Event other = any_vote(b);
                      one.mutable_vote_set()->set_participant_id("u8");
                      other.mutable_vote_set()->set_participant_id("u9");
                      return Pair{one, other};
                    });
}

TEST_CASE("votes, moderation, meta and eligibility commute with each other") {
  require_commuting("vote and moderation", [](history::Digits& a, history::Digits& b) {
    return Pair{any_vote(a), any_moderation(b)};
  });
  require_commuting("vote and eligibility", [](history::Digits& a, history::Digits& b) {
    return Pair{any_vote(a), any_eligibility(b)};
  });
  require_commuting("moderation and eligibility", [](history::Digits& a, history::Digits& b) {
    return Pair{any_moderation(a), any_eligibility(b)};
  });
  require_commuting("meta and vote or moderation", [](history::Digits& a, history::Digits& b) {
    const Event meta = facts::meta("c", opinion(a), a.below(2) == 0);
    return Pair{meta, b.below(2) == 0 ? any_vote(b) : any_moderation(b)};
  });
}

TEST_CASE("closing and locking commute") {
  require_commuting("close, reopen, lock, unlock", [](history::Digits& a, history::Digits& b) {
    return Pair{a.below(2) == 0 ? facts::closed("c") : facts::reopened("c"),
                b.below(2) == 0 ? facts::locked("c") : facts::unlocked("c")};
  });
}

TEST_CASE("deleting an opinion commutes with moderating another, and with eligibility") {
  require_commuting("two opinions", [](history::Digits& a, history::Digits& b) {
    return Pair{
        facts::opinion_deleted("c", history::numbered("o", a.below(2))),
        facts::moderated("c", history::numbered("o", 2 + b.below(2)), Moderation(b.below(3)))};
  });
  require_commuting("eligibility", [](history::Digits& a, history::Digits& b) {
    return Pair{facts::opinion_deleted("c", opinion(a)), any_eligibility(b)};
  });
}

TEST_CASE("what does not commute") {
  const std::vector<Posted> before{
      at(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1", "s2"}), 1),
      at(facts::opinion("c", "o1", "bob"), 2),
      at(facts::vote("c", "o1", "ann", CHOICE_AGREE), 3),
      at(facts::vote("c", "o1", "cat", CHOICE_AGREE), 3),
      at(facts::vote("c", "o1", "dan", CHOICE_AGREE), 3),
      at(facts::vote("c", "o1", "eve", CHOICE_AGREE), 3)};
  const auto [one, other] = GENERATE(Catch::Generators::table<Event, Event>({
      // The last of two about the same thing stands.
      {facts::vote("c", "s1", "ann", CHOICE_AGREE), facts::vote("c", "s1", "ann", CHOICE_PASS)},
      {facts::moderated("c", "s1", MODERATION_HIDE), facts::moderated("c", "s1", MODERATION_MOVE)},
      {facts::eligibility("c", "ann", false), facts::eligibility("c", "ann", true)},
      {facts::edited("c", "one"), facts::edited("c", "other")},
      {facts::closed("c"), facts::reopened("c")},
      // Of a fact that makes another inadmissible the order decides.
      {facts::closed("c"), facts::vote("c", "s1", "ann", CHOICE_AGREE)},
      {facts::deleted("c"), facts::edited("c", "one")},
      {facts::opinion_deleted("c", "s1"), facts::vote("c", "s1", "ann", CHOICE_AGREE)},
      {facts::opinion("c", "o2", "ann"), facts::vote("c", "o2", "ann", CHOICE_AGREE)},
      {facts::opinion("c", "o2", "ann"), facts::opinion("c", "o2", "bob")},
      {facts::removed("c", "ann"), facts::vote("c", "s1", "ann", CHOICE_AGREE)},
      {facts::rekeyed("c", "ann", "fay"), facts::vote("c", "s1", "ann", CHOICE_AGREE)},
      // Five at one moment, or four all the time.
      {facts::vote("c", "o1", "fay", CHOICE_AGREE), facts::vote("c", "o1", "ann", CHOICE_NONE)},
      {facts::import_started("c", "i"), facts::opinion("c", "o2", "ann")},
  }));
  CHECK(!swapped(before, at(one), at(other)).empty());
  CHECK(swapped(before, at(one), at(one)).empty());
}

TEST_CASE("rekeying commutes with what becomes of `into`: a vote of theirs, and their removal") {
  require_commuting(
      "the vote of into stays",
      [](history::Digits& a, history::Digits& b) {
        Event vote = facts::vote("c", opinion(b), "u9", Choice(1 + b.below(3)));
        return Pair{facts::rekeyed("c", participant(a), "u9"), vote};
      },
      false);
  // But for an owner: the conversation keeps the name that it had last.
  require_commuting(
      "both are gone",
      [](history::Digits& a, history::Digits&) {
        return Pair{facts::rekeyed("c", participant(a), "u9"), facts::removed("c", "u9")};
      },
      true, moves_no_ownership);
}

TEST_CASE("a deletion and a vote in either order: the counters are the same") {
  const std::vector<Posted> before{
      at(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1"}), 1)};
  for (const bool vote_first : {true, false}) {
    Folded driver;
    for (const Posted& fact : before) driver.post_one(fact);
    const Posted vote = at(facts::vote("c", "s1", "ann", CHOICE_AGREE));
    const Posted deletion = at(facts::opinion_deleted("c", "s1"));
    driver.post_one(vote_first ? vote : deletion);
    driver.post_one(vote_first ? deletion : vote);
    const auto& stats = *driver.row<ConversationStats>("c");
    CHECK(stats.total_vote_count() == 0);
    CHECK(stats.total_participant_count() == 0);
    CHECK(driver.row<OpinionStats>("c", "s1")->agrees() == 0);
  }
}

}  // namespace
}  // namespace sluice

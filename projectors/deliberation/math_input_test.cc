// What the math is computed from, as the fold keeps it, against a model that works it out anew
// after every fact; and the sentences about it one by one.

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "projectors/deliberation/opinion_groups.h"
#include "projectors/deliberation/projection.h"
#include "tests/support/deliberation_history.h"
#include "tests/support/fold_driver.h"
#include "tests/support/math_model.h"

namespace sluice {
namespace {

using namespace deliberation;
using Input = MathModel::Input;

int number(math::Choice choice) { return static_cast<int>(choice); }

struct Driver : FoldDriver<Deliberation> {
  // As computations read it, from a snapshot.
  Input input(const std::string& id = "c") {
    flush();
    MathConversation read;
    REQUIRE(read_math_conversation(*snapshot(id), id, {}, read));
    Input input;
    for (std::size_t o = 0; o < read.opinions.size(); ++o) {
      input.columns.push_back({read.opinions[o], read.input.opinions[o].zeroed()});
    }
    for (std::size_t p = 0; p < read.participants.size(); ++p) {
      input.rows.push_back({read.participants[p], read.input.in_conv[p],
                            std::vector<std::optional<int>>(read.opinions.size())});
    }
    for (const math::Vote& vote : read.input.votes) {
      input.rows[vote.participant].votes[vote.opinion] = number(vote.choice);
    }
    return input;
  }
  Offset changed_at(const std::string& id = "c") {
    return Deliberation::computed().demand(*row<ConversationStats>(id)).changed_at;
  }
  bool waits() { return Deliberation::computed().demand(*row<ConversationStats>("c")).waits; }
  void vote(const std::string& participant, const std::string& opinion,
            Choice choice = CHOICE_AGREE) {
    REQUIRE(post(facts::vote("c", opinion, participant, choice)) == "");
  }
  // Participants u1.., each with votes on o1.. up to `votes`.
  void crowd(int participants, int votes) {
    for (int p = 1; p <= participants; ++p) {
      for (int o = 1; o <= votes; ++o) {
        vote(history::numbered("u", p), history::numbered("o", o));
      }
    }
  }
};

// With opinions o1 to o9.
struct InConversation : Driver {
  InConversation() {
    actor = facts::service();
    const std::vector<std::string> opinions{"o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "o9"};
    REQUIRE(post(facts::conversation("c", "olga", PARTICIPATION_GUEST, opinions)) == "");
  }
};

const MathModel::Row* find(const Input& input, const std::string& participant) {
  for (const MathModel::Row& row : input.rows) {
    if (row.participant == participant) return &row;
  }
  return nullptr;
}

// Two dozen people and nine opinions, so that fifteen are soon in and the seventh vote counts.
Event step(std::uint64_t number) {
  history::Digits digits(number);
  const int kind = digits.below(64);
  const std::string participant = history::numbered("u", digits.below(24));
  const std::string opinion = history::numbered("o", digits.below(9));
  if (kind < 50) {
    return facts::vote(
        "c", opinion, participant,
        digits.one_of({CHOICE_AGREE, CHOICE_AGREE, CHOICE_DISAGREE, CHOICE_PASS, CHOICE_NONE}));
  }
  if (kind < 54) return facts::opinion("c", opinion, participant, {"body", true, false});
  if (kind < 56) return facts::eligibility("c", participant, digits.below(2) == 0);
  if (kind < 58) {
    return facts::moderated("c", opinion, Moderation(digits.below(3)), "");
  }
  if (kind == 58) return facts::meta("c", opinion, digits.below(2) == 0);
  if (kind == 59) return facts::removed("c", participant);
  if (kind == 60) {
    return facts::rekeyed("c", participant, history::numbered("u", 24 + digits.below(3)));
  }
  if (kind == 61) return facts::rekeyed("c", participant, history::numbered("u", digits.below(24)));
  if (kind == 62) return facts::opinion_deleted("c", opinion);
  return digits.once_in(40) ? facts::deleted("c") : facts::opinion_deleted("c", opinion);
}

void require_math_of_history(const std::vector<std::uint64_t>& steps) {
  Driver driver;
  driver.actor = facts::service();
  DeliberationModel model;
  MathModel expected;
  Offset changed;
  Input before;
  const auto post = [&](const Event& event) {
    const auto reason = model.post({event, facts::service(), 1, {}});
    RC_ASSERT(std::string(driver.post(event)) == std::string(reason));
    if (!reason.empty()) return;
    expected.after(event, model.situation());
    const Input found = driver.input();
    RC_ASSERT(found == expected.input());
    // Whatever changed it has said so.
    RC_ASSERT(found.rows == before.rows || driver.changed_at() > changed);
    changed = driver.changed_at();
    before = found;
  };
  Event opening = facts::conversation("c", "u0", PARTICIPATION_GUEST,
                                      {"o0", "o1", "o2", "o3", "o4", "o5", "o6", "o7"});
  post(opening);
  for (const std::uint64_t number : steps) {
    const Event event = step(number);
    // Into oneself: ingest refuses it.
    if (event.participant_rekeyed().from() == event.participant_rekeyed().into() &&
        event.has_participant_rekeyed()) {
      continue;
    }
    post(event);
    if (number >> 60 == 15) driver.restart();
  }
}

}  // namespace

TEST_CASE("after every fact of a random history the math reads what the model says") {
  using Steps = std::vector<std::uint64_t>;
  constexpr int kRounds = 6;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t salt = static_cast<std::uint64_t>(round) * 0x9e3779b97f4a7c15u;
    CHECK(rc::check(history::numbered("the input is the model's, round ", round), [&] {
      const auto number = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
      Steps steps = *rc::gen::resize(300, rc::gen::container<Steps>(number));
      for (std::uint64_t& each : steps) each ^= salt;
      require_math_of_history(steps);
    }));
  }
}

TEST_CASE("rows are in the order of first votes, columns in that of creation") {
  InConversation driver;
  driver.post(facts::opinion("c", "a", "zoe", {"body", false, false}));
  driver.vote("zoe", "o2");
  driver.vote("ann", "a");
  driver.vote("zoe", "o2", CHOICE_NONE);
  driver.vote("zoe", "o1");
  const Input input = driver.input();
  CHECK(input.rows.at(0).participant == "zoe");
  CHECK(input.rows.at(1).participant == "ann");
  CHECK(input.columns.front().opinion == "o1");
  CHECK(input.columns.back().opinion == "a");
}

TEST_CASE("ineligible: out of the math, and back in it as before") {
  InConversation driver;
  driver.crowd(16, 7);
  const Input before = driver.input();
  driver.post(facts::eligibility("c", "u3", false));
  CHECK(find(driver.input(), "u3") == nullptr);
  CHECK(driver.input().rows.size() == 15);
  driver.post(facts::eligibility("c", "u3", true));
  CHECK(driver.input() == before);
}

TEST_CASE("ineligible before the first vote: never in the math") {
  InConversation driver;
  driver.post(facts::eligibility("c", "u1", false));
  driver.crowd(1, 9);
  CHECK(driver.input().rows.empty());
}

TEST_CASE("moved and hidden opinions are zeroed, none restores") {
  InConversation driver;
  driver.crowd(3, 3);
  const Input before = driver.input();
  const auto state = GENERATE(MODERATION_MOVE, MODERATION_HIDE);
  Offset changed = driver.changed_at();
  driver.post(facts::moderated("c", "o2", state));
  CHECK(driver.input().columns.at(1).zeroed);
  CHECK(driver.input().rows == before.rows);
  CHECK(driver.changed_at() > std::exchange(changed, driver.changed_at()));
  driver.post(facts::moderated("c", "o2", MODERATION_NONE));
  CHECK(driver.input() == before);
  CHECK(driver.changed_at() > changed);
}

TEST_CASE("a meta opinion is zeroed") {
  InConversation driver;
  driver.crowd(1, 1);
  const Offset changed = driver.changed_at();
  driver.post(facts::meta("c", "o1", true));
  CHECK(driver.input().columns.at(0).zeroed);
  CHECK(driver.changed_at() > changed);
  driver.post(facts::meta("c", "o1", false));
  CHECK_FALSE(driver.input().columns.at(0).zeroed);
}

TEST_CASE("votes on a deleted opinion leave the math") {
  InConversation driver;
  driver.crowd(2, 2);
  driver.post(facts::opinion_deleted("c", "o1"));
  const Input input = driver.input();
  CHECK(input.columns.front().opinion == "o2");
  CHECK(find(input, "u1")->votes.front() == 1);
}

TEST_CASE(
    "whoever was removed leaves the math, and the next with most votes is clustered instead") {
  InConversation driver;
  for (int o = 1; o <= 9; ++o) driver.vote("u1", history::numbered("o", o));
  driver.crowd(17, 3);
  driver.vote("u17", "o4");
  CHECK_FALSE(find(driver.input(), "u16")->clustered);
  CHECK_FALSE(find(driver.input(), "u17")->clustered);
  driver.post(facts::removed("c", "u1"));
  CHECK(find(driver.input(), "u1") == nullptr);
  CHECK(find(driver.input(), "u17")->clustered);
  CHECK_FALSE(find(driver.input(), "u16")->clustered);
}

TEST_CASE("whoever is in stays in, however many votes they withdraw") {
  InConversation driver;
  driver.crowd(20, 7);
  for (int o = 1; o <= 6; ++o) driver.vote("u20", history::numbered("o", o), CHOICE_NONE);
  CHECK(find(driver.input(), "u20")->clustered);
}

TEST_CASE("moved votes take the earlier place, and are clustered if either was") {
  InConversation driver;
  driver.crowd(16, 1);
  driver.vote("v", "o9");
  driver.vote("w", "o9");
  CHECK_FALSE(find(driver.input(), "w")->clustered);
  driver.post(facts::rekeyed("c", "u2", "w"));
  const Input input = driver.input();
  CHECK(input.rows.at(1).participant == "w");
  CHECK(input.rows.at(1).clustered);
  CHECK(find(input, "u2") == nullptr);
}

TEST_CASE("a repeated vote, and what is not about votes, changes nothing that is computed") {
  InConversation driver;
  driver.vote("u1", "o1");
  const Offset changed = driver.changed_at();
  driver.vote("u1", "o1");
  driver.post(facts::edited("c", "another title"));
  driver.post(facts::opinion("c", "new", "ann", {"body", false, false}));
  driver.post(facts::closed("c"));
  CHECK(driver.changed_at() == changed);
}

TEST_CASE("between import.started and import.completed the math waits") {
  InConversation driver;
  CHECK_FALSE(driver.waits());
  driver.post(facts::import_started("c", "i"));
  driver.vote("u1", "o1");
  CHECK(driver.waits());
  CHECK(driver.changed_at() > Offset{0});
  driver.post(facts::import_completed("c", "i"));
  CHECK_FALSE(driver.waits());
}

}  // namespace sluice

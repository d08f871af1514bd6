// What holds for every conversation.

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <future>
#include <numeric>

#include "projectors/deliberation/math/document.h"
#include "projectors/deliberation/math/snapshot.h"
#include "tests/support/math_votes.h"

using namespace sluice;
using namespace sluice::math;
using sluice::testing::Cast;
using sluice::testing::Chance;
using sluice::testing::fold;

namespace {

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

// Every number of the snapshot, to the bit: shortest round-trip digits are unique.
std::string bits_of(const Conversation& conversation) {
  const auto participants = numbered(conversation.in_conv.size());
  const auto opinions = numbered(conversation.opinions.size());
  std::string out;
  write_document(*compute(conversation, {.base_votes = true}), {participants, opinions}, {}, out);
  return out;
}

// Everybody's first vote, then the others, some of them cast twice or otherwise before.
std::vector<Cast> random_casts(Chance& chance, std::uint32_t people, std::uint32_t opinions) {
  std::vector<Cast> casts;
  for (std::uint64_t p = 0; p < people; ++p) {
    for (std::uint32_t o = 0; o < opinions; ++o) {
      if (!chance.happens(0.4)) continue;
      const bool likes = (p % 3 == 0) == (o % 2 == 0);
      casts.push_back({p, o,
                       chance.happens(0.1)                 ? Choice::pass
                       : chance.happens(likes ? 0.8 : 0.2) ? Choice::agree
                                                           : Choice::disagree});
    }
  }
  chance.shuffle(casts);
  return casts;
}

Conversation random_conversation(Chance& chance) {
  const auto people = *rc::gen::element<std::uint32_t>(3, 20, 70, 150);
  const auto opinions = *rc::gen::element<std::uint32_t>(3, 12, 60);
  std::vector<OpinionStatus> status(opinions);
  for (auto& s : status) s.moderated_out = chance.happens(0.1);
  Conversation made = fold(status, random_casts(chance, people, opinions));
  RC_PRE(!made.votes.empty());
  return made;
}

}  // namespace

TEST_CASE("the order in which votes are listed does not change a bit") {
  CHECK(rc::check([] {
    Chance chance(*rc::gen::arbitrary<std::uint64_t>());
    Conversation conversation = random_conversation(chance);
    const std::string expected = bits_of(conversation);
    chance.shuffle(conversation.votes);
    RC_ASSERT((bits_of(conversation) == expected));
  }));
}

TEST_CASE("events in an order that keeps first votes and who is clustered give the same bits") {
  CHECK(rc::check([] {
    Chance chance(*rc::gen::arbitrary<std::uint64_t>());
    const std::vector<OpinionStatus> opinions(30);
    const auto casts = random_casts(chance, 60, 30);
    const Conversation expected = fold(opinions, casts);
    // First votes stay where they are in front; the rest comes in another order behind.
    std::vector<Cast> first;
    std::vector<Cast> rest;
    std::vector<bool> seen(60, false);
    for (const Cast& cast : casts) {
      (seen[cast.voter] ? rest : first).push_back(cast);
      seen[cast.voter] = true;
    }
    chance.shuffle(rest);
    first.insert(first.end(), rest.begin(), rest.end());
    Conversation other = fold(opinions, first);
    // Opinions come up in another order, so the bar may have been lower for some.
    other.in_conv = expected.in_conv;
    RC_ASSERT((bits_of(other) == bits_of(expected)));
  }));
}

TEST_CASE("repeats change nothing, and of several votes on one opinion the last counts") {
  CHECK(rc::check([] {
    Chance chance(*rc::gen::arbitrary<std::uint64_t>());
    const std::vector<OpinionStatus> opinions(20);
    const auto casts = random_casts(chance, 40, 20);
    std::vector<Cast> noisy;
    for (const Cast& cast : casts) {
      if (chance.happens(0.3)) noisy.push_back({cast.voter, cast.opinion, Choice::pass});
      noisy.push_back(cast);
      if (chance.happens(0.3)) noisy.push_back(cast);
    }
    RC_ASSERT((bits_of(fold(opinions, noisy)) == bits_of(fold(opinions, casts))));
  }));
}

TEST_CASE("who withdrew every vote, and an opinion nobody voted on, change not a bit") {
  CHECK(rc::check([] {
    Chance chance(*rc::gen::arbitrary<std::uint64_t>());
    const Conversation without = random_conversation(chance);
    Conversation with = without;
    with.in_conv.push_back(chance.happens(0.5));
    with.opinions.emplace_back();
    RC_ASSERT((bits_of(with) == bits_of(without)));
  }));
}

TEST_CASE("moderation that is taken back restores the bits") {
  CHECK(rc::check([] {
    Chance chance(*rc::gen::arbitrary<std::uint64_t>());
    Conversation conversation = random_conversation(chance);
    const std::string before = bits_of(conversation);
    OpinionStatus& status =
        conversation.opinions[conversation.votes[chance.below(conversation.votes.size())].opinion];
    const OpinionStatus was = status;
    status = {.moderated_out = !was.moderated_out, .is_meta = true};
    const std::string between = bits_of(conversation);
    status = was;
    RC_ASSERT((between != before));
    RC_ASSERT((bits_of(conversation) == before));
  }));
}

TEST_CASE("equal ballots have equal bits, wherever they stand among the rows") {
  CHECK(rc::check([] {
    Chance chance(*rc::gen::arbitrary<std::uint64_t>());
    Conversation conversation = random_conversation(chance);
    // Many copies of the first ballot, one of them with other votes on what counts as 0.
    const auto model = conversation.votes.front().participant;
    std::vector<Vote> ballot;
    for (const Vote& vote : conversation.votes) {
      if (vote.participant == model) ballot.push_back(vote);
    }
    std::vector<std::uint32_t> twins{model};
    for (int copy = 0; copy < 5; ++copy) {
      twins.push_back(static_cast<std::uint32_t>(conversation.in_conv.size()));
      conversation.in_conv.push_back(true);
      for (Vote vote : ballot) {
        vote.participant = twins.back();
        if (conversation.opinions[vote.opinion].zeroed()) vote.choice = Choice::pass;
        conversation.votes.push_back(vote);
      }
    }
    chance.shuffle(conversation.votes);
    const Snapshot s = compute(conversation);
    std::vector<Participant> rows;
    for (const Participant p : s.participant_numbers.ids()) {
      if (std::ranges::count(twins, s.participant_numbers[p]) > 0) rows.push_back(p);
    }
    for (const Participant p : rows) {
      RC_ASSERT(std::memcmp(&s.participants.x[p], &s.participants.x[rows[0]], sizeof(double)) == 0);
      RC_ASSERT(std::memcmp(&s.participants.y[p], &s.participants.y[rows[0]], sizeof(double)) == 0);
    }
  }));
}

TEST_CASE("participants in another order give the same map, up to base clusters") {
  CHECK(rc::check([] {
    Chance chance(*rc::gen::arbitrary<std::uint64_t>());
    const Conversation conversation = random_conversation(chance);
    const Snapshot s = compute(conversation);
    // Axes that can be turned into each other are turned by rounding.
    RC_PRE(s.components.gaps[0] > 1e-4 && s.components.gaps[1] > 1e-4);

    std::vector<std::uint32_t> place(conversation.in_conv.size());
    std::iota(place.begin(), place.end(), 0U);
    chance.shuffle(place);
    Conversation other = conversation;
    for (Vote& vote : other.votes) vote.participant = place[vote.participant];
    for (std::size_t p = 0; p < place.size(); ++p)
      other.in_conv[place[p]] = conversation.in_conv[p];
    const Snapshot t = compute(other);

    std::vector<Participant> row_of(place.size());
    for (const Participant p : t.participant_numbers.ids()) row_of[t.participant_numbers[p]] = p;
    const auto near = [](double a, double b) { return std::abs(a - b) <= 1e-9; };
    RC_ASSERT(s.center == t.center);
    for (const Opinion o : s.center.ids()) {
      RC_ASSERT(near(s.opinions.at.x[o], t.opinions.at.x[o]));
      RC_ASSERT(near(s.opinions.at.y[o], t.opinions.at.y[o]));
    }
    for (const Participant p : s.participant_numbers.ids()) {
      const Participant q = row_of[place[s.participant_numbers[p]]];
      RC_ASSERT(s.vote_counts[p] == t.vote_counts[q]);
      RC_ASSERT(near(s.participants.x[p], t.participants.x[q]));
      RC_ASSERT(near(s.participants.y[p], t.participants.y[q]));
    }
    RC_ASSERT(s.consensus.agree.size() == t.consensus.agree.size());
  }));
}

TEST_CASE("four threads at once compute what one does") {
  std::vector<Conversation> conversations;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    conversations.push_back(testing::grouped_votes({.seed = seed, .participants = 400}));
  }
  std::vector<std::future<std::string>> found;
  for (int repeat = 0; repeat < 4; ++repeat) {
    for (const Conversation& conversation : conversations) {
      found.push_back(
          std::async(std::launch::async, [&conversation] { return bits_of(conversation); }));
    }
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i].get() == bits_of(conversations[i % 4]));
  }
}

TEST_CASE("stages are told in their order, and a stop ends between them") {
  const Conversation conversation = testing::grouped_votes({});
  std::vector<Stage> told;
  std::stop_source source;
  const auto tell = [&](Stage stage) {
    told.push_back(stage);
    if (stage == Stage::components) source.request_stop();
  };
  CHECK_FALSE(compute(conversation, {.done = tell, .stop = source.get_token()}).has_value());
  CHECK(told == std::vector{Stage::matrix, Stage::center, Stage::components});
  told.clear();
  CHECK(compute(conversation, {.done = tell}).has_value());
  CHECK(told.size() == 8);
  CHECK(name_of(told.back()) == "statistics");
}

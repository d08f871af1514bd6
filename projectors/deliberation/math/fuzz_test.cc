// Conversations as odd as can be: nothing crashes, every number is finite, every loop is bounded.

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <cmath>

#include "projectors/deliberation/math/document.h"
#include "projectors/deliberation/math/snapshot.h"
#include "tests/support/math_votes.h"

using namespace sluice;
using namespace sluice::math;
using sluice::testing::Chance;

namespace {

enum class Kind {
  noise,
  all_equal,  // one vote everywhere
  rank_one,   // everybody's ballot or its opposite
  blocks,     // camps that share no opinion: eigenvalues twice and thrice
  one_vote_each,
  one_full_row,
  one_full_column,
  two_ballots,
  ties,  // few opinions, every ballot often
  kinds
};

Choice any(Chance& chance) { return static_cast<Choice>(static_cast<int>(chance.below(3)) - 1); }

std::optional<Choice> vote_of(Kind kind, std::uint32_t p, std::uint32_t o, Chance& chance) {
  switch (kind) {
    case Kind::noise:
      return chance.happens(0.3) ? std::optional(any(chance)) : std::nullopt;
    case Kind::all_equal:
      return Choice::agree;
    case Kind::rank_one:
      return (p % 2 == 0) == (o % 3 == 0) ? Choice::agree : Choice::disagree;
    case Kind::blocks:
      if (p % 3 != o % 3) return std::nullopt;
      return (p / 3 + o / 3) % 2 == 0 ? Choice::agree : Choice::disagree;
    case Kind::one_vote_each:
      return p == o ? std::optional(any(chance)) : std::nullopt;
    case Kind::one_full_row:
      return p == 0 || o == 0 ? std::optional(any(chance)) : std::nullopt;
    case Kind::one_full_column:
      return o == 1 ? std::optional(any(chance)) : std::nullopt;
    case Kind::two_ballots:
      return p % 2 == 0 ? Choice::agree : (o % 2 == 0 ? Choice::pass : Choice::disagree);
    case Kind::ties:
      return o < 3 ? static_cast<Choice>(static_cast<int>((p / (o + 1)) % 3) - 1) : Choice::pass;
    case Kind::kinds:
      break;
  }
  return std::nullopt;
}

Conversation odd_conversation(Chance& chance) {
  const auto kind = static_cast<Kind>(*rc::gen::inRange(0, static_cast<int>(Kind::kinds)));
  const auto participants = *rc::gen::element<std::uint32_t>(1, 2, 3, 16, 53, 60, 130);
  const auto opinions = *rc::gen::element<std::uint32_t>(1, 2, 3, 13, 52, 53, 110);
  const auto zeroed = *rc::gen::element(0.0, 0.0, 0.3, 1.0);
  Conversation made;
  made.opinions.resize(opinions);
  for (auto& o : made.opinions) {
    o.moderated_out = chance.happens(zeroed);
    o.is_meta = chance.happens(zeroed / 4);
  }
  for (std::uint32_t p = 0; p < participants; ++p) {
    made.in_conv.push_back(chance.happens(0.8));
    for (std::uint32_t o = 0; o < opinions; ++o) {
      const auto choice = vote_of(kind, p, o, chance);
      if (choice) made.votes.push_back({p, o, *choice});
    }
  }
  // Somebody who is not like the rest.
  if (chance.happens(0.3) && !made.votes.empty()) {
    made.votes[chance.below(made.votes.size())].choice = any(chance);
  }
  return made;
}

bool finite(const Snapshot& s) {
  std::vector<std::string> names(200, "x");
  std::string out;
  write_document(s, {names, names}, {}, out);
  // The document has null where a number is not finite, and nowhere else.
  return out.find("null") == std::string::npos && out.find("nan") == std::string::npos &&
         out.find("inf") == std::string::npos;
}

void check_bounds(const Snapshot& s) {
  RC_ASSERT(s.components.products <= 1000U);
  RC_ASSERT(s.base.size() <= 100U);
  RC_ASSERT(s.base.rounds <= 101U);
  RC_ASSERT(s.groupings.tried.size() <= 4U);
  for (const Grouping& grouping : s.groupings.tried) {
    RC_ASSERT(grouping.rounds <= 21U);
    RC_ASSERT(grouping.size() >= 1U && grouping.size() <= grouping.k);
    RC_ASSERT(grouping.silhouette >= -1 && grouping.silhouette <= 1);
  }
  for (const auto& records : s.representatives) RC_ASSERT(records.size() <= 5U);
}

void check_axes(const Snapshot& s) {
  for (const double residual : s.components.residuals) RC_ASSERT(residual <= kResidual);
  double dot = 0;
  for (const Opinion o : s.center.ids()) {
    dot += s.components.loadings[0][o] * s.components.loadings[1][o];
    if (s.status[o].zeroed()) RC_ASSERT(s.opinions.extremity[o] == 0);
  }
  RC_ASSERT(std::abs(dot) <= 1e-9);
}

void check_sums(const Snapshot& s) {
  std::size_t members = 0;
  for (const auto& cluster : s.base.members) {
    RC_ASSERT(!cluster.empty());
    members += cluster.size();
  }
  RC_ASSERT(members == s.in_conv.size());
  std::size_t votes = 0;
  for (const Counts& counts : s.counts) votes += counts.votes;
  RC_ASSERT(votes == s.votes);
}

}  // namespace

TEST_CASE("whatever the votes, every number is finite and every loop ends within its bounds") {
  CHECK(rc::check([] {
    Chance chance(*rc::gen::arbitrary<std::uint64_t>());
    const Snapshot s = compute(odd_conversation(chance));
    RC_ASSERT(finite(s));
    check_bounds(s);
    check_axes(s);
    check_sums(s);
  }));
}

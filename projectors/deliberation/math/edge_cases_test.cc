// The cases of section 11 of the specification, in its order.

#include <catch2/catch.hpp>

#include <cmath>

#include "projectors/deliberation/math/document.h"
#include "projectors/deliberation/math/snapshot.h"
#include "tests/support/math_votes.h"

using namespace sluice;
using namespace sluice::math;
using sluice::testing::Cast;
using sluice::testing::fold;

namespace {

constexpr Opinion kFirst{0};
constexpr Participant kNobody{0};

std::vector<Cast> ballot(std::uint64_t voter, const std::vector<int>& choices) {
  std::vector<Cast> casts;
  for (std::uint32_t o = 0; o < choices.size(); ++o) {
    casts.push_back({voter, o, static_cast<Choice>(choices[o])});
  }
  return casts;
}

// A row a participant, everything voted on.
Snapshot of(const std::vector<std::vector<int>>& rows, std::vector<OpinionStatus> opinions = {}) {
  if (opinions.empty() && !rows.empty()) opinions.resize(rows.front().size());
  std::vector<Cast> casts;
  for (std::uint64_t p = 0; p < rows.size(); ++p) {
    for (const Cast& cast : ballot(p, rows[p])) casts.push_back(cast);
  }
  return compute(fold(opinions, casts));
}

bool zero(const Per<Opinion, double>& loadings) {
  return std::ranges::all_of(loadings, [](double x) { return x == 0; });
}

bool all_at_the_origin(const Snapshot& s) {
  return std::ranges::all_of(s.participants.x, [](double x) { return x == 0; }) &&
         std::ranges::all_of(s.participants.y, [](double y) { return y == 0; });
}

// One base cluster with everybody, hence one group.
void require_one_group(const Snapshot& s, std::size_t members) {
  REQUIRE(s.base.size() == 1);
  CHECK(s.base.members[BaseCluster{0}].size() == members);
  REQUIRE(s.groupings.tried.size() == 1);
  CHECK(s.groupings.chosen()->k == 2);
  CHECK(s.groupings.chosen()->size() == 1);
  CHECK(s.groupings.chosen()->silhouette == 0);
}

std::string document(const Snapshot& s) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back(std::to_string(i));
  std::string out;
  write_document(s, {names, names}, {}, out);
  return out;
}

}  // namespace

TEST_CASE("no votes: empty lists and a reason") {
  for (const Conversation& conversation :
       {Conversation{}, Conversation{{{}, {}}, {false, false, true}, {}}}) {
    const Snapshot s = compute(conversation);
    CHECK(s.votes == 0);
    CHECK(s.base.size() == 0);
    CHECK(s.groupings.chosen() == nullptr);
    CHECK(s.consensus.agree.empty());
    CHECK(document(s) ==
          R"({"reason":"empty_vote_matrix","n":0,"n-cmts":0,"tids":[],"mod-out":[],"meta-tids":[],)"
          R"("user-vote-counts":{},"in-conv":[],"pca":{"center":[],"comps":[[],[]],)"
          R"("comment-projection":[[],[]],"comment-extremity":[],"eigenvalues":[0,0],)"
          R"("relative-residual":[0,0],"relative-gap":[0,0]},)"
          R"("base-clusters":{"id":[],"members":[],"x":[],"y":[],"count":[]},"group-clusters":[],)"
          R"("group-votes":{},"repness":{},"consensus":{"agree":[],"disagree":[]},)"
          R"("group-aware-consensus":{},"comment-priorities":{},"group-clusterings":{},)"
          R"("participants":[],"participant-projections":{"x":[],"y":[]},"participant-stats":)"
          R"({"participants":[],"group":[],"centricness":[],"coreness":[],"extremeness":[]}})");
  }
}

TEST_CASE("one participant: clustered, at the origin, one base cluster, one group") {
  const Snapshot s = of({{1, -1, 0}});
  CHECK(s.in_conv == std::vector{kNobody});
  CHECK(all_at_the_origin(s));
  require_one_group(s, 1);
  // The rest is nobody: (0+1)/(0+2).
  REQUIRE(s.representatives.size() == 1);
  const Comparison c = compare(s.group_votes.counts[Group{0}][kFirst], {});
  CHECK(c.agree_ratio == Approx((2.0 / 3) / 0.5));
  // A group's only choice: the most differing one, since nothing suffices.
  CHECK(s.representatives[Group{0}].size() == 1);
}

TEST_CASE("one opinion: a single vote qualifies, all at the origin, one group") {
  const Snapshot s = of({{1}, {-1}, {0}, {1}});
  CHECK(s.in_conv.size() == 4);
  CHECK(zero(s.components.loadings[0]));
  CHECK(zero(s.components.loadings[1]));
  CHECK(all_at_the_origin(s));
  require_one_group(s, 4);
}

TEST_CASE("all pass: no components, one base cluster, one group") {
  const Snapshot s = of({{0, 0, 0}, {0, 0, 0}, {0, 0, 0}});
  CHECK(zero(s.components.loadings[0]));
  CHECK(all_at_the_origin(s));
  require_one_group(s, 3);
}

TEST_CASE("all votes equal: no components, one group, and tests by their formula") {
  const Snapshot s = of({{1, -1}, {1, -1}, {1, -1}});
  CHECK(zero(s.components.loadings[0]));
  CHECK(all_at_the_origin(s));
  require_one_group(s, 3);
  const Comparison c = compare(s.group_votes.counts[Group{0}][kFirst], {});
  CHECK(c.p_agree_test == Approx(2 * std::sqrt(4.0) * (4.0 / 4 - 0.5)));
  CHECK(c.p_disagree_test == Approx(2 * std::sqrt(4.0) * (1.0 / 4 - 0.5)));
}

TEST_CASE("two participants: one axis, and nothing along the second") {
  const Snapshot s = of({{1, -1, 1}, {-1, 1, 1}});
  CHECK_FALSE(zero(s.components.loadings[0]));
  CHECK(zero(s.components.loadings[1]));
  CHECK(s.components.eigenvalues[1] == 0);
  CHECK(s.participants.y[kNobody] == 0);
  CHECK(s.opinions.at.y[kFirst] == 0);
  CHECK(s.base.size() == 2);
}

TEST_CASE("identical voters share a base cluster") {
  const Snapshot s =
      of({{1, -1, 1, 0}, {-1, 1, 0, 1}, {1, -1, 1, 0}, {0, 0, 1, -1}, {1, -1, 1, 0}});
  REQUIRE(s.base.size() == 3);
  CHECK(s.base.members[BaseCluster{0}] ==
        std::vector{Participant{0}, Participant{2}, Participant{4}});
}

TEST_CASE("fewer distinct points than groups asked for: fewer groups, numbered from 0") {
  const Snapshot s = of({{1, -1, 1}, {1, -1, 1}, {-1, 1, 0}});
  CHECK(s.groupings.chosen()->k == 2);
  CHECK(s.groupings.chosen()->size() == 2);
  CHECK(s.groupings.chosen()->ids[Group{0}] == 0);
  CHECK(s.groupings.chosen()->ids[Group{1}] == 1);
}

TEST_CASE("an opinion whose voters are all outside: no votes in any group, and not sufficient") {
  // Fifteen who are clustered, and three who are not and alone vote on the last opinion.
  std::vector<Cast> casts;
  for (std::uint64_t p = 0; p < 15; ++p) {
    for (std::uint32_t o = 0; o < 9; ++o) {
      casts.push_back({p, o, (p + o) % 3 == 0 ? Choice::disagree : Choice::agree});
    }
  }
  for (std::uint64_t p = 15; p < 18; ++p) casts.push_back({p, 9, Choice::agree});
  const Snapshot s = compute(fold(std::vector<OpinionStatus>(10), casts));
  REQUIRE(s.in_conv.size() == 15);
  const Opinion last{9};
  CHECK(s.counts[last].votes == 3);
  CHECK(s.group_votes.all[last].votes == 0);
  const Comparison c = compare({}, {});
  CHECK(c.p_agree == 0.5);
  CHECK(c.p_agree_test == 1);
  CHECK(c.p_disagree_test == 1);
  CHECK(c.agree_ratio == 1);
  CHECK(c.agree_ratio_test == 0);
  for (const auto& records : s.representatives) {
    for (const Representative& r : records) CHECK(r.opinion != last);
  }
}

TEST_CASE("an opinion that nobody of the group voted on is not sufficient, but can differ most") {
  const Counts nobody{};
  const Counts others{.agrees = 0, .disagrees = 20, .votes = 20};
  const Comparison c = compare(nobody, others);
  CHECK(c.p_agree_test == 1);
  CHECK(c.agree_ratio_test > kSignificant);
  GroupVotes votes{.size = Per<Group, std::uint32_t>(2, 10),
                   .counts = Per<Group, Per<Opinion, Counts>>(2, Per<Opinion, Counts>(1)),
                   .all = Per<Opinion, Counts>(1, others)};
  votes.counts[Group{1}][kFirst] = others;
  const auto found = representatives(votes, Per<Opinion, OpinionStatus>(1));
  REQUIRE(found[Group{0}].size() == 1);
  CHECK(found[Group{0}].front().direction == Choice::agree);
  CHECK_FALSE(found[Group{0}].front().best_agree.has_value());
}

TEST_CASE("an opinion whose votes were all withdrawn is no column") {
  std::vector<Cast> casts = ballot(1, {1, -1, 1});
  for (const Cast& cast : ballot(2, {-1, 1})) casts.push_back(cast);
  casts.push_back({1, 2, std::nullopt});
  const Snapshot s = compute(fold(std::vector<OpinionStatus>(3), casts));
  CHECK(s.opinion_numbers == Per<Opinion, std::uint32_t>(std::vector<std::uint32_t>{0, 1}));
}

TEST_CASE("a participant whose votes were all withdrawn is no row") {
  std::vector<Cast> casts = ballot(1, {1, -1});
  for (const Cast& cast : ballot(2, {-1, 1})) casts.push_back(cast);
  for (const Cast& cast : ballot(3, {0, 1})) casts.push_back(cast);
  casts.push_back({2, 0, std::nullopt});
  casts.push_back({2, 1, std::nullopt});
  const Snapshot s = compute(fold(std::vector<OpinionStatus>(2), casts));
  CHECK(s.participant_numbers == Per<Participant, std::uint32_t>(std::vector<std::uint32_t>{0, 2}));
  CHECK(s.in_conv.size() == 2);
}

TEST_CASE("an opinion moderated out before any vote is no column and does not count") {
  std::vector<OpinionStatus> opinions(3);
  opinions[2].moderated_out = true;
  std::vector<Cast> casts = ballot(1, {1, -1});
  for (const Cast& cast : ballot(2, {-1, 1})) casts.push_back(cast);
  for (const Cast& cast : ballot(3, {0, 1})) casts.push_back(cast);
  const Snapshot with = compute(fold(opinions, casts));
  opinions.pop_back();
  const Snapshot without = compute(fold(opinions, casts));
  CHECK(with.center.size() == 2);
  CHECK(document(with) == document(without));
}

TEST_CASE("everything moderated out: no components, and nobody stands for anything") {
  const std::vector<OpinionStatus> opinions{{true, false}, {false, true}, {true, true}};
  const Snapshot s = of({{1, -1, 1}, {-1, 1, 1}, {1, 1, -1}}, opinions);
  CHECK(zero(s.components.loadings[0]));
  CHECK(all_at_the_origin(s));
  require_one_group(s, 3);
  CHECK(s.representatives[Group{0}].empty());
  CHECK(s.consensus.agree.empty());
  CHECK(s.consensus.disagree.empty());
  // Votes stay where they are shown.
  CHECK(s.group_votes.counts[Group{0}][kFirst].votes == 3);
  CHECK(s.priorities[Opinion{1}] == 49);
}

TEST_CASE("nobody is clustered: everything but groups is there") {
  Conversation conversation = fold(std::vector<OpinionStatus>(2), ballot(1, {1, -1}));
  conversation.in_conv.assign(conversation.in_conv.size(), false);
  const Snapshot s = compute(conversation);
  CHECK(s.base.size() == 0);
  CHECK(s.groupings.chosen() == nullptr);
  CHECK(s.group_aware_consensus.agree[kFirst] == 1);
  CHECK(std::isfinite(s.priorities[kFirst]));
}

TEST_CASE("as many agree here as elsewhere, all of them: no difference") {
  const Counts all{.agrees = 5, .disagrees = 0, .votes = 5};
  CHECK(compare(all, all).agree_ratio_test == 0);
}

TEST_CASE("a value on the border of significance is not significant") {
  CHECK(kSignificant == 1.2816);
  const auto opinions = Per<Opinion, OpinionStatus>(1);
  // p 0.5 exactly is no consensus, however many vote.
  CHECK(find_consensus(Per<Opinion, Counts>(1, {50, 50, 100}), opinions).agree.empty());
  CHECK(find_consensus(Per<Opinion, Counts>(1, {80, 20, 100}), opinions).agree.size() == 1);
}

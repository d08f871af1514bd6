// Every stage against the dense, plain account of tests/support/naive_math.h, which has the stage
// before it from the library, so that a difference shows where it arises.

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>

#include "projectors/deliberation/math/priority.h"
#include "projectors/deliberation/math/snapshot.h"
#include "tests/support/math_votes.h"
#include "tests/support/naive_math.h"

using namespace sluice;
using namespace sluice::math;
namespace naive = sluice::testing::naive;

namespace {

constexpr double kTolerance = 1e-12;

bool near(double a, double b) { return std::abs(a - b) <= kTolerance * std::max(1.0, std::abs(b)); }

// What the plain account knows of a conversation.
struct Plain {
  naive::Table votes;
  std::vector<bool> zeroed, meta;
  std::vector<std::size_t> in_conv;
  naive::Row mean;
  naive::Dense z;
};

Plain plain(const Conversation& conversation) {
  std::vector<std::size_t> of_row(conversation.in_conv.size(), 0);
  std::vector<std::size_t> of_column(conversation.opinions.size(), 0);
  for (const Vote& vote : conversation.votes)
    of_row[vote.participant] = of_column[vote.opinion] = 1;
  Plain made;
  std::size_t rows = 0;
  for (std::size_t p = 0; p < of_row.size(); ++p) {
    if (of_row[p] == 0) continue;
    of_row[p] = rows++;
    if (conversation.in_conv[p]) made.in_conv.push_back(of_row[p]);
  }
  for (std::size_t o = 0; o < of_column.size(); ++o) {
    if (of_column[o] == 0) continue;
    of_column[o] = made.zeroed.size();
    made.zeroed.push_back(conversation.opinions[o].zeroed());
    made.meta.push_back(conversation.opinions[o].is_meta);
  }
  made.votes.assign(rows, std::vector<std::optional<int>>(made.zeroed.size()));
  for (const Vote& vote : conversation.votes) {
    made.votes[of_row[vote.participant]][of_column[vote.opinion]] = static_cast<int>(vote.choice);
  }
  made.z = naive::centered(made.votes, made.zeroed, made.mean);
  return made;
}

Conversation random_conversation() {
  testing::Chance chance(*rc::gen::arbitrary<std::uint64_t>());
  const auto participants = *rc::gen::element<std::uint32_t>(2, 9, 20, 60, 160);
  const auto opinions = *rc::gen::element<std::uint32_t>(2, 5, 12, 30, 70);
  const auto votes = *rc::gen::element<std::size_t>(1, 3, 6, 12) * participants;
  Conversation made = testing::grouped_votes(
      {.seed = chance.next(),
       .participants = participants,
       .opinions = opinions,
       .votes = std::min<std::size_t>(votes, std::size_t{participants} * opinions),
       .moderated = *rc::gen::element(0.0, 0.2, 0.6)});
  for (auto& opinion : made.opinions) opinion.is_meta = chance.happens(0.05);
  for (std::size_t p = 0; p < made.in_conv.size(); ++p) {
    if (chance.happens(0.1)) made.in_conv[p] = !made.in_conv[p];
  }
  return made;
}

void check_components(const Plain& p, const Snapshot& s) {
  for (const Opinion o : s.center.ids()) RC_ASSERT(near(s.center[o], p.mean[index(o)]));
  const naive::Dense gram = naive::gram(p.z, p.mean.size());
  const naive::Eigen expected = naive::jacobi(gram);
  if (p.votes.size() < 2 || p.mean.size() < 2) return;
  for (std::size_t k = 0; k < 2; ++k) {
    const double value =
        expected.values[k] <= 1e-12 * std::max(1.0, expected.values[0]) ? 0 : expected.values[k];
    RC_ASSERT(near(s.components.eigenvalues[k], value));
    const naive::Row v(s.components.loadings[k].begin(), s.components.loadings[k].end());
    const naive::Row gv = naive::times(gram, v);
    for (std::size_t i = 0; i < v.size(); ++i) {
      RC_ASSERT(std::abs(gv[i] - value * v[i]) <= 1e-12 * std::max(1.0, expected.values[0]));
    }
    if (value == 0) continue;
    RC_ASSERT(near(std::inner_product(v.begin(), v.end(), v.begin(), 0.0), 1));
    const double largest = *std::ranges::max_element(v, {}, [](double x) { return std::abs(x); });
    const auto first = std::ranges::find_if(
        v, [&](double x) { return std::abs(x) >= std::abs(largest) * (1 - 1e-9); });
    RC_ASSERT(*first > 0);
  }
}

void check_projections(const Plain& p, const Snapshot& s) {
  const auto columns = static_cast<double>(p.mean.size());
  for (const Participant row : s.participants.x.ids()) {
    double counted = 0;
    for (std::size_t c = 0; c < p.mean.size(); ++c) {
      counted += p.zeroed[c] || p.votes[index(row)][c] ? 1 : 0;
    }
    for (std::size_t k = 0; k < 2; ++k) {
      double sum = 0;
      for (std::size_t c = 0; c < p.mean.size(); ++c) {
        sum +=
            p.z[index(row)][c] * s.components.loadings[k][Opinion{static_cast<std::uint32_t>(c)}];
      }
      const double got = k == 0 ? s.participants.x[row] : s.participants.y[row];
      RC_ASSERT(near(got, sum * std::sqrt(columns / std::max(1.0, counted))));
    }
  }
  for (const Opinion o : s.center.ids()) {
    const double x = std::sqrt(columns) * (1 - p.mean[index(o)]) * s.components.loadings[0][o];
    const double y = std::sqrt(columns) * (1 - p.mean[index(o)]) * s.components.loadings[1][o];
    RC_ASSERT(near(s.opinions.at.x[o], x) && near(s.opinions.at.y[o], y));
    RC_ASSERT(near(s.opinions.extremity[o], std::hypot(x, y)));
  }
}

// Returns what the clusters of `found` are, as rows of `p`.
void check_base_clusters(const Plain& p, const Snapshot& s) {
  std::vector<naive::Point> points;
  for (const std::size_t row : p.in_conv) {
    const Participant of{static_cast<std::uint32_t>(row)};
    points.push_back({s.participants.x[of], s.participants.y[of]});
  }
  const auto expected = naive::k_means(points, naive::Row(points.size(), 1.0), 100, 101);
  RC_ASSERT(s.base.size() == expected.size());
  for (const BaseCluster b : s.base.ids.ids()) {
    const naive::Cluster& cluster = expected[index(b)];
    RC_ASSERT(s.base.ids[b] == cluster.id);
    RC_ASSERT(near(s.base.at.x[b], cluster.center.x) && near(s.base.at.y[b], cluster.center.y));
    RC_ASSERT(s.base.members[b].size() == cluster.members.size());
    for (std::size_t i = 0; i < cluster.members.size(); ++i) {
      RC_ASSERT(index(s.base.members[b][i]) == p.in_conv[cluster.members[i]]);
    }
  }
}

void check_groups(const Snapshot& s) {
  if (s.base.size() == 0) {
    RC_ASSERT(s.groupings.tried.empty());
    return;
  }
  std::vector<naive::Point> points;
  naive::Row weight;
  for (const BaseCluster b : s.base.ids.ids()) {
    points.push_back({s.base.at.x[b], s.base.at.y[b]});
    weight.push_back(static_cast<double>(s.base.members[b].size()));
  }
  RC_ASSERT(s.groupings.tried.size() == std::min<std::size_t>(5, 2 + points.size() / 12) - 1);
  double largest = -2;
  std::size_t best = 0;
  for (const Grouping& grouping : s.groupings.tried) {
    const auto expected = naive::k_means(points, weight, grouping.k, 21);
    RC_ASSERT(grouping.size() == expected.size());
    for (const Group g : grouping.ids.ids()) {
      RC_ASSERT(grouping.ids[g] == expected[index(g)].id);
      RC_ASSERT(near(grouping.center.x[g], expected[index(g)].center.x));
      RC_ASSERT(near(grouping.center.y[g], expected[index(g)].center.y));
      for (const std::size_t b : expected[index(g)].members) {
        RC_ASSERT(grouping.group_of[BaseCluster{static_cast<std::uint32_t>(b)}] == g);
      }
    }
    RC_ASSERT(near(grouping.silhouette, naive::silhouette(points, expected)));
    if (grouping.silhouette >= largest) {
      largest = grouping.silhouette;
      best = grouping.k;
    }
  }
  RC_ASSERT(s.groupings.chosen()->k == best);
}

void check_record(const Representative& got, const naive::Record& want) {
  RC_ASSERT(index(got.opinion) == want.opinion);
  RC_ASSERT((got.direction == Choice::agree) == want.agree);
  RC_ASSERT(got.best_agree.has_value() == want.best_agree);
  RC_ASSERT(got.successes == want.success && got.trials == want.trials);
  RC_ASSERT(near(got.p_success, want.p) && near(got.p_test, want.test));
  RC_ASSERT(near(got.repness, want.ratio) && near(got.repness_test, want.ratio_test));
}

void check_statistics(const Plain& p, const Snapshot& s) {
  const auto groups = groups_of_participants(p.votes.size(), s.base, s.groupings.chosen());
  std::vector<naive::Tally> of_all(p.mean.size());
  naive::Row aware(p.mean.size(), 1.0);
  for (const Group g : s.group_votes.size.ids()) {
    std::vector<std::size_t> own, others;
    for (const std::size_t row : p.in_conv) {
      const bool is_own = groups[Participant{static_cast<std::uint32_t>(row)}] == g;
      (is_own ? own : others).push_back(row);
    }
    RC_ASSERT(s.group_votes.size[g] == own.size());
    for (const Opinion o : s.center.ids()) {
      const naive::Tally t = naive::tally(p.votes, own, index(o));
      const Counts& counts = s.group_votes.counts[g][o];
      RC_ASSERT(counts.agrees == t.a && counts.disagrees == t.d && counts.votes == t.n);
      aware[index(o)] *= naive::probability(t.a, t.n);
    }
    const auto expected = naive::representatives(p.votes, p.zeroed, own, others);
    RC_ASSERT(s.representatives[g].size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      check_record(s.representatives[g][i], expected[i]);
    }
  }
  for (const Opinion o : s.center.ids()) {
    RC_ASSERT(near(s.group_aware_consensus.agree[o], aware[index(o)]));
    const naive::Tally t = naive::tally(
        p.votes, s.group_votes.size.size() == 0 ? std::vector<std::size_t>{} : p.in_conv, index(o));
    const double extremity = s.opinions.extremity[o];
    const double importance = (1 - naive::probability(t.n - t.a - t.d, t.n)) * (extremity + 1) *
                              naive::probability(t.a, t.n);
    const double priority = std::pow(importance * (1 + 8 * std::pow(2, -t.n / 5)), 2);
    RC_ASSERT(near(s.priorities[o], p.meta[index(o)] ? 49 : priority));
  }
}

void check_consensus(const Plain& p, const Snapshot& s) {
  std::vector<std::size_t> everybody(p.votes.size());
  std::iota(everybody.begin(), everybody.end(), 0U);
  for (const bool agree : {true, false}) {
    std::vector<std::pair<double, std::size_t>> expected;
    for (std::size_t o = 0; o < p.mean.size(); ++o) {
      const naive::Tally t = naive::tally(p.votes, everybody, o);
      const double probability = naive::probability(agree ? t.a : t.d, t.n);
      const double test = naive::proportion_test(agree ? t.a : t.d, t.n);
      if (p.zeroed[o] || probability <= 0.5 || test <= 1.2816) continue;
      expected.emplace_back(probability * test, o);
    }
    std::ranges::stable_sort(expected, std::ranges::greater{},
                             [](const auto& pair) { return pair.first; });
    if (expected.size() > 5) expected.resize(5);
    const auto& got = agree ? s.consensus.agree : s.consensus.disagree;
    RC_ASSERT(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      RC_ASSERT(index(got[i].opinion) == expected[i].second);
      RC_ASSERT(near(got[i].p_success * got[i].p_test, expected[i].first));
    }
  }
}

}  // namespace

TEST_CASE("every stage is what the plain account makes of the stage before it") {
  CHECK(rc::check([] {
    const Conversation conversation = random_conversation();
    const Snapshot snapshot = compute(conversation);
    const Plain account = plain(conversation);
    check_components(account, snapshot);
    check_projections(account, snapshot);
    check_base_clusters(account, snapshot);
    check_groups(snapshot);
    check_statistics(account, snapshot);
    check_consensus(account, snapshot);
  }));
}

TEST_CASE("where participants stand beside their group is as its text has it") {
  const Snapshot s = compute(testing::grouped_votes({.seed = 5}));
  const auto groups = groups_of_participants(s.participants.size(), s.base, s.groupings.chosen());
  const auto mean = [&](std::optional<Group> group) {
    naive::Point sum{0, 0};
    double count = 0;
    for (const Participant p : s.participants.x.ids()) {
      if (group && groups[p] != group) continue;
      sum.x += s.participants.x[p];
      sum.y += s.participants.y[p];
      ++count;
    }
    return naive::Point{sum.x / count, sum.y / count};
  };
  const naive::Point all = mean(std::nullopt);
  REQUIRE(s.participant_stats.size() == s.in_conv.size());
  for (const ParticipantStats& stats : s.participant_stats) {
    const naive::Point z{s.participants.x[stats.participant], s.participants.y[stats.participant]};
    const naive::Point core = mean(stats.group);
    CHECK(stats.centricness == Approx(1 - naive::distance(z, all)));
    CHECK(stats.coreness == Approx(1 - naive::distance(z, core)));
    const double size = naive::distance(core, all);
    CHECK(stats.extremeness ==
          Approx(((z.x - core.x) * (core.x - all.x) + (z.y - core.y) * (core.y - all.y)) / size)
              .margin(1e-12));
  }
}

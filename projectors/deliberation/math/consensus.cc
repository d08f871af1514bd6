#include "projectors/deliberation/math/consensus.h"

#include <algorithm>

#include "projectors/deliberation/math/representativeness.h"

namespace sluice::math {
namespace {

constexpr std::size_t kMostOpinions = 5;

void consider(Opinion opinion, std::uint32_t successes, std::uint32_t trials,
              std::vector<ConsensusOpinion>& into) {
  const double p = probability(successes, trials);
  const double test = proportion_test(successes, trials);
  if (p > 0.5 && test > kSignificant) into.push_back({opinion, successes, trials, p, test});
}

void keep_strongest(std::vector<ConsensusOpinion>& found) {
  std::ranges::stable_sort(found, std::ranges::greater{},
                           [](const ConsensusOpinion& c) { return c.p_success * c.p_test; });
  if (found.size() > kMostOpinions) found.erase(found.begin() + kMostOpinions, found.end());
}

}  // namespace

Consensus find_consensus(const Per<Opinion, Counts>& counts,
                         const Per<Opinion, OpinionStatus>& status) {
  Consensus made;
  for (const Opinion o : counts.ids()) {
    if (status[o].zeroed()) continue;
    consider(o, counts[o].agrees, counts[o].votes, made.agree);
    consider(o, counts[o].disagrees, counts[o].votes, made.disagree);
  }
  keep_strongest(made.agree);
  keep_strongest(made.disagree);
  return made;
}

GroupAwareConsensus find_group_aware_consensus(const GroupVotes& votes) {
  GroupAwareConsensus made{.agree = Per<Opinion, double>(votes.all.size(), 1.0),
                           .disagree = Per<Opinion, double>(votes.all.size(), 1.0)};
  for (const Per<Opinion, Counts>& counts : votes.counts) {
    for (const Opinion o : counts.ids()) {
      made.agree[o] *= probability(counts[o].agrees, counts[o].votes);
      made.disagree[o] *= probability(counts[o].disagrees, counts[o].votes);
    }
  }
  return made;
}

}  // namespace sluice::math

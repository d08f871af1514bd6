#pragma once

// What everybody agrees or disagrees with, and what every group agrees with. Source: the
// specification, section 8.

#include <vector>

#include "projectors/deliberation/math/group_votes.h"

namespace sluice::math {

struct ConsensusOpinion {
  Opinion opinion;
  std::uint32_t successes, trials;
  double p_success, p_test;
};

// At most five each way, the strongest first.
struct Consensus {
  std::vector<ConsensusOpinion> agree;
  std::vector<ConsensusOpinion> disagree;
};

// Of all participants, clustered or not; zeroed opinions are left out.
[[nodiscard]] Consensus find_consensus(const Per<Opinion, Counts>& counts,
                                       const Per<Opinion, OpinionStatus>& status);

// The product over groups of the probability to agree, and the product over groups of the
// probability to disagree. 1 without groups.
struct GroupAwareConsensus {
  Per<Opinion, double> agree;
  Per<Opinion, double> disagree;
};

[[nodiscard]] GroupAwareConsensus find_group_aware_consensus(const GroupVotes& votes);

}  // namespace sluice::math

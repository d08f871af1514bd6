#pragma once

// How groups and base clusters voted, zeroed opinions included. Source: the specification, sections
// 7 and 10.

#include <vector>

#include "projectors/deliberation/math/groups.h"

namespace sluice::math {

struct GroupVotes {
  Per<Group, std::uint32_t> size;  // participants
  Per<Group, Per<Opinion, Counts>> counts;
  Per<Opinion, Counts> all;  // of all groups together, so of all clustered participants
};

// No groups give no counts.
[[nodiscard]] GroupVotes count_group_votes(const VoteMatrix& votes, const BaseClusters& base,
                                           const Grouping* grouping);

// For each opinion, what each base cluster voted: the document's votes-base.
using BaseVotes = Per<Opinion, Per<BaseCluster, Counts>>;

[[nodiscard]] BaseVotes count_base_votes(const VoteMatrix& votes, const BaseClusters& base);

}  // namespace sluice::math

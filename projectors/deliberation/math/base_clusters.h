#pragma once

// Participants whom the map shows as one point: at most a hundred. Source: the specification,
// section 5, cold start.

#include <vector>

#include "projectors/deliberation/math/k_means.h"
#include "projectors/deliberation/math/projection.h"

namespace sluice::math {

struct BaseClusters {
  Per<BaseCluster, std::uint32_t> ids;  // ascending
  Points<BaseCluster> at;
  Per<BaseCluster, std::vector<Participant>> members;  // in row order
  std::size_t rounds = 0;

  [[nodiscard]] std::size_t size() const { return ids.size(); }
};

// Of the clustered participants, in row order.
[[nodiscard]] BaseClusters cluster_participants(const std::vector<Participant>& in_conv,
                                                const Points<Participant>& at);

}  // namespace sluice::math

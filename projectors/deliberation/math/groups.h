#pragma once

// Opinion groups: base clusters clustered once more, into as many groups as are best apart.
// Source: the specification, section 6, cold start, without smoothing.

#include <cstdint>
#include <vector>

#include "projectors/deliberation/math/base_clusters.h"

namespace sluice::math {

struct Grouping {
  std::size_t k = 0;              // that was asked for
  Per<Group, std::uint32_t> ids;  // ascending, at most k
  Points<Group> center;           // the mean of the members' places, weighted by their participants
  Per<BaseCluster, Group> group_of;
  double silhouette = 0;
  std::size_t rounds = 0;

  [[nodiscard]] std::size_t size() const { return ids.size(); }
};

struct Groupings {
  std::vector<Grouping> tried;  // by k; none when there are no base clusters
  std::size_t best = 0;         // among `tried`: the largest silhouette, of equals the larger k

  [[nodiscard]] const Grouping* chosen() const { return tried.empty() ? nullptr : &tried[best]; }
};

[[nodiscard]] Groupings group(const BaseClusters& base);

}  // namespace sluice::math

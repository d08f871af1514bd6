#include "projectors/deliberation/math/groups.h"

#include <algorithm>

#include "projectors/deliberation/math/silhouette.h"

namespace sluice::math {
namespace {

constexpr std::size_t kFewestGroups = 2;
constexpr std::size_t kMostGroups = 5;
// Another group may be tried for so many base clusters.
constexpr std::size_t kBaseClustersAGroup = 12;
constexpr std::size_t kMostRounds = 21;

Grouping group_into(std::size_t k, const BaseClusters& base, const std::vector<double>& weight,
                    const Distances& distances) {
  Clustering found = k_means({base.at.x.values(), base.at.y.values(), weight}, k, kMostRounds);
  Grouping made;
  made.k = k;
  made.rounds = found.rounds;
  made.silhouette = silhouette(distances, found.label, found.size());
  for (const std::uint32_t label : found.label) made.group_of.push_back(Group{label});
  made.ids = Per<Group, std::uint32_t>(std::move(found.ids));
  made.center.x = Per<Group, double>(std::move(found.x));
  made.center.y = Per<Group, double>(std::move(found.y));
  return made;
}

}  // namespace

Groupings group(const BaseClusters& base) {
  Groupings made;
  if (base.size() == 0) return made;
  std::vector<double> weight;
  for (const auto& members : base.members) weight.push_back(static_cast<double>(members.size()));
  const Distances distances(base.at);
  const std::size_t most = std::min(kMostGroups, kFewestGroups + base.size() / kBaseClustersAGroup);
  for (std::size_t k = kFewestGroups; k <= most; ++k) {
    made.tried.push_back(group_into(k, base, weight, distances));
    if (made.tried.back().silhouette >= made.tried[made.best].silhouette) {
      made.best = made.tried.size() - 1;
    }
  }
  return made;
}

}  // namespace sluice::math

#include "projectors/deliberation/math/silhouette.h"

#include <algorithm>
#include <cmath>

namespace sluice::math {

Distances::Distances(const Points<BaseCluster>& at) : size_(at.size()) {
  values_.reserve(size_ * size_);
  for (const BaseCluster a : each<BaseCluster>(size_)) {
    for (const BaseCluster b : each<BaseCluster>(size_)) {
      const double dx = at.x[a] - at.x[b];
      const double dy = at.y[a] - at.y[b];
      values_.push_back(std::sqrt(dx * dx + dy * dy));
    }
  }
}

double silhouette(const Distances& distances, std::span<const std::uint32_t> label,
                  std::size_t groups) {
  if (groups < 2) return 0;
  std::vector<double> sizes(groups);
  for (const std::uint32_t group : label) ++sizes[group];
  double sum = 0;
  std::vector<double> to_group(groups);
  for (std::size_t i = 0; i < distances.size(); ++i) {
    const std::uint32_t own = label[i];
    if (sizes[own] == 1) continue;
    std::ranges::fill(to_group, 0.0);
    const auto from = distances.from(i);
    for (std::size_t j = 0; j < from.size(); ++j) to_group[label[j]] += from[j];
    const double within = to_group[own] / (sizes[own] - 1);
    double between = HUGE_VAL;
    for (std::size_t g = 0; g < groups; ++g) {
      if (g != own) between = std::min(between, to_group[g] / sizes[g]);
    }
    const double larger = std::max(within, between);
    if (larger > 0) sum += (between - within) / larger;
  }
  return sum / static_cast<double>(distances.size());
}

}  // namespace sluice::math

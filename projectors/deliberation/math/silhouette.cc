#include "projectors/deliberation/math/silhouette.h"

#include <algorithm>
#include <cmath>

namespace sluice::math {

Distances::Distances(const Points<BaseCluster>& at)
    : size_(at.size()), values_(at.size() * at.size()) {
  for (const BaseCluster a : each<BaseCluster>(size_)) {
    for (const BaseCluster b : each<BaseCluster>(index(a))) {
      const double dx = at.x[a] - at.x[b];
      const double dy = at.y[a] - at.y[b];
      values_[index(a) * size_ + index(b)] = values_[index(b) * size_ + index(a)] =
          std::sqrt(dx * dx + dy * dy);
    }
  }
}

double silhouette(const Distances& distances, std::span<const std::uint32_t> label,
                  std::size_t groups) {
  if (groups < 2) return 0;
  const std::size_t points = distances.size();
  std::vector<double> sizes(groups);
  // Of each group, from each point to all its members. Row by row, so that no sum waits for the
  // last.
  std::vector<double> sums(groups * points);
  for (std::size_t j = 0; j < points; ++j) {
    ++sizes[label[j]];
    const auto from = distances.from(j);
    const auto to = std::span(sums).subspan(label[j] * points, points);
    for (std::size_t i = 0; i < points; ++i) to[i] += from[i];
  }
  double sum = 0;
  for (std::size_t i = 0; i < points; ++i) {
    const std::uint32_t own = label[i];
    if (sizes[own] == 1) continue;
    const double within = sums[own * points + i] / (sizes[own] - 1);
    double between = HUGE_VAL;
    for (std::size_t g = 0; g < groups; ++g) {
      if (g != own) between = std::min(between, sums[g * points + i] / sizes[g]);
    }
    const double larger = std::max(within, between);
    if (larger > 0) sum += (between - within) / larger;
  }
  return sum / static_cast<double>(points);
}

}  // namespace sluice::math

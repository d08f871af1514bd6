#pragma once

// How well apart groups are. Source: the specification, section 6; Rousseeuw 1987.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "projectors/deliberation/math/projection.h"

namespace sluice::math {

// Distances between base clusters, shared by all the groupings that are compared.
class Distances {
 public:
  explicit Distances(const Points<BaseCluster>& at);
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<const double> from(std::size_t point) const {
    return std::span(values_).subspan(point * size_, size_);
  }

 private:
  std::size_t size_;
  std::vector<double> values_;
};

// The plain mean over all base clusters, not weighted by their members. 0 for a point alone in its
// group, where all distances are 0, and for a single group. `label` is below `groups`.
[[nodiscard]] double silhouette(const Distances& distances, std::span<const std::uint32_t> label,
                                std::size_t groups);

}  // namespace sluice::math

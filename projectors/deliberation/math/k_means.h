#pragma once

// K-means in the plane, as Polis runs it: from the first distinct points, a cluster that is left
// without members is dropped for good, and it ends when no center moves far.
// Source: the specification, sections 5 and 6.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::math {

struct WeightedPoints {
  std::span<const double> x;
  std::span<const double> y;
  std::span<const double> weight;

  [[nodiscard]] std::size_t size() const { return x.size(); }
};

struct Clustering {
  std::vector<std::uint32_t> ids;  // ascending; with gaps where clusters were dropped
  std::vector<double> x;           // centers, one an id: the mean of the members
  std::vector<double> y;
  std::vector<std::uint32_t> label;  // for each point the place of its cluster in `ids`
  std::size_t rounds = 0;            // each: assign, drop, center, compare

  [[nodiscard]] std::size_t size() const { return ids.size(); }
};

// At most `k` clusters. With no more distinct points than that, each is one, and no round is
// needed. Of centers at equal distance the later takes the point.
[[nodiscard]] Clustering k_means(const WeightedPoints& points, std::size_t k,
                                 std::size_t most_rounds);

}  // namespace sluice::math

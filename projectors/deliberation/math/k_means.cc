#include "projectors/deliberation/math/k_means.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sluice::math {
namespace {

// Centers that move less than this stand still.
constexpr double kStill = 0.01;

using Centers = std::vector<std::pair<double, double>>;

Centers sorted_centers(const Clustering& clusters) {
  Centers centers;
  for (std::size_t c = 0; c < clusters.size(); ++c) {
    centers.emplace_back(clusters.x[c], clusters.y[c]);
  }
  std::ranges::sort(centers);
  return centers;
}

// Pairs them by rank, as far as the shorter list goes: clusters that were dropped are among
// `before`.
bool stand_still(const Centers& before, const Centers& after) {
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    const double dx = before[i].first - after[i].first;
    const double dy = before[i].second - after[i].second;
    if (std::sqrt(dx * dx + dy * dy) >= kStill) return false;
  }
  return true;
}

// The first `k` distinct points, in their order, as clusters. Labels points as long as every point
// so far is one of them; returns whether all are.
bool begin(const WeightedPoints& points, std::size_t k, Clustering& clusters) {
  clusters.label.assign(points.size(), 0);
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::size_t c = 0;
    // -0 equals 0.
    while (c < clusters.size() && (clusters.x[c] != points.x[i] || clusters.y[c] != points.y[i])) {
      ++c;
    }
    if (c == k) return false;
    if (c == clusters.size()) {
      clusters.ids.push_back(static_cast<std::uint32_t>(c));
      clusters.x.push_back(points.x[i]);
      clusters.y.push_back(points.y[i]);
    }
    clusters.label[i] = static_cast<std::uint32_t>(c);
  }
  return true;
}

void assign(const WeightedPoints& points, Clustering& clusters) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    double least = HUGE_VAL;
    std::size_t nearest = 0;
    for (std::size_t c = 0; c < clusters.size(); ++c) {
      const double dx = points.x[i] - clusters.x[c];
      const double dy = points.y[i] - clusters.y[c];
      const double distance = dx * dx + dy * dy;
      if (distance > least) continue;
      least = distance;
      nearest = c;
    }
    clusters.label[i] = static_cast<std::uint32_t>(nearest);
  }
}

// Drops clusters without members and moves the others to the mean of theirs, summed in order.
void drop_and_center(const WeightedPoints& points, Clustering& clusters) {
  struct Sum {
    double x = 0, y = 0, weight = 0;
  };
  std::vector<Sum> sums(clusters.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    Sum& sum = sums[clusters.label[i]];
    sum.x += points.x[i] * points.weight[i];
    sum.y += points.y[i] * points.weight[i];
    sum.weight += points.weight[i];
  }
  std::vector<std::uint32_t> place(clusters.size());
  std::size_t kept = 0;
  for (std::size_t c = 0; c < sums.size(); ++c) {
    if (sums[c].weight == 0) continue;
    place[c] = static_cast<std::uint32_t>(kept);
    clusters.ids[kept] = clusters.ids[c];
    clusters.x[kept] = sums[c].x / sums[c].weight;
    clusters.y[kept] = sums[c].y / sums[c].weight;
    ++kept;
  }
  clusters.ids.resize(kept);
  clusters.x.resize(kept);
  clusters.y.resize(kept);
  for (std::uint32_t& label : clusters.label) label = place[label];
}

}  // namespace

Clustering k_means(const WeightedPoints& points, std::size_t k, std::size_t most_rounds) {
  Clustering clusters;
  if (begin(points, k, clusters)) return clusters;
  for (Centers before = sorted_centers(clusters); clusters.rounds < most_rounds;) {
    assign(points, clusters);
    drop_and_center(points, clusters);
    ++clusters.rounds;
    Centers after = sorted_centers(clusters);
    if (stand_still(before, after)) break;
    before = std::move(after);
  }
  return clusters;
}

}  // namespace sluice::math

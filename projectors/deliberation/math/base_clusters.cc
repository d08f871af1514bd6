#include "projectors/deliberation/math/base_clusters.h"

namespace sluice::math {
namespace {

constexpr std::size_t kMostClusters = 100;
constexpr std::size_t kMostRounds = 101;

}  // namespace

BaseClusters cluster_participants(const std::vector<Participant>& in_conv,
                                  const Points<Participant>& at) {
  std::vector<double> x;
  std::vector<double> y;
  for (const Participant p : in_conv) {
    x.push_back(at.x[p]);
    y.push_back(at.y[p]);
  }
  const std::vector<double> weight(in_conv.size(), 1.0);
  Clustering found = k_means({x, y, weight}, kMostClusters, kMostRounds);

  BaseClusters made;
  made.rounds = found.rounds;
  made.members = Per<BaseCluster, std::vector<Participant>>(found.size());
  for (std::size_t i = 0; i < in_conv.size(); ++i) {
    made.members[BaseCluster{found.label[i]}].push_back(in_conv[i]);
  }
  made.ids = Per<BaseCluster, std::uint32_t>(std::move(found.ids));
  made.at.x = Per<BaseCluster, double>(std::move(found.x));
  made.at.y = Per<BaseCluster, double>(std::move(found.y));
  return made;
}

}  // namespace sluice::math

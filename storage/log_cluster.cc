#include "storage/log_cluster.h"

namespace sluice {

std::optional<std::vector<Partition>> LogCluster::unserved(std::string_view stream) {
  const auto seen = replicas(stream);
  if (!seen) return std::nullopt;
  std::vector<Partition> all;
  for (const ReplicasSeen& each : *seen) {
    if (!each.served) all.push_back(each.partition);
  }
  return all;
}

}  // namespace sluice

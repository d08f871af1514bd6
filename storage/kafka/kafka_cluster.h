#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/kafka/client.h"
#include "storage/log_cluster.h"

namespace sluice::kafka {

class KafkaCluster final : public LogCluster {
 public:
  explicit KafkaCluster(const KafkaConfig& config);

  std::optional<std::vector<ReplicasSeen>> replicas(std::string_view stream) override;
  std::vector<GroupMemberSeen> members(std::string_view group, std::string_view stream) override;

 private:
  const std::chrono::milliseconds deadline_;
  Client client_;
};

}  // namespace sluice::kafka

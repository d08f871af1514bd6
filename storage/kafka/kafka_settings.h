#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/kafka/client.h"
#include "storage/kafka/topic_settings.h"
#include "storage/stream_settings.h"

namespace sluice::kafka {

// Topics' settings, by DescribeConfigs and AlterConfigs. Any thread, also several at a time.
class KafkaSettings final : public StreamSettings {
 public:
  explicit KafkaSettings(const KafkaConfig& config);

  std::vector<SettingFault> faults(std::string_view stream) override;
  void mend(std::string_view stream, const std::vector<SettingFault>& faults) override;

 private:
  struct Described {
    TopicSettings all;
    TopicSettings own;  // set for this topic: what AlterConfigs would take away unless it has it
  };
  [[nodiscard]] Described describe_topic(const std::string& topic) const;
  [[nodiscard]] int replication_factor(const std::string& topic) const;

  const std::chrono::milliseconds deadline_;
  Client client_;
};

}  // namespace sluice::kafka

#include "storage/kafka/kafka_log.h"

#include <utility>

#include "storage/kafka/client.h"
#include "storage/kafka/kafka_cluster.h"
#include "storage/kafka/kafka_reader.h"
#include "storage/kafka/kafka_settings.h"
#include "storage/kafka/kafka_topology.h"
#include "storage/kafka/kafka_writer.h"
#include "storage/kafka/rejoin_delay.h"
#include "storage/kafka/statistics.h"

namespace sluice {

KafkaLog::KafkaLog(KafkaConfig config)
    : config_(std::move(config)), rejoin_delay_(std::make_shared<kafka::RejoinDelay>()) {
  if (!config_.statistics) config_.statistics = std::make_shared<kafka::Statistics>();
  kafka::require_known(config_);
}

std::vector<std::string> KafkaLog::statistics() const { return config_.statistics->all(); }

std::unique_ptr<EventWriter> KafkaLog::writer(
    std::optional<std::chrono::milliseconds> append_deadline) const {
  KafkaConfig config = config_;
  config.append_deadline = append_deadline.value_or(config.append_deadline);
  return std::make_unique<kafka::KafkaWriter>(std::move(config));
}

std::unique_ptr<EventReader> KafkaLog::reader(std::string_view stream, const KafkaMember& member,
                                              Ownership& ownership) const {
  rejoin_delay_->require_session_expired(member);
  return std::make_unique<kafka::KafkaReader>(config_, std::string(stream), member, ownership,
                                              rejoin_delay_);
}

std::unique_ptr<EventReader> KafkaLog::reader(std::string_view stream,
                                              std::vector<Partition> partitions,
                                              Ownership& ownership) const {
  return std::make_unique<kafka::KafkaReader>(config_, std::string(stream), std::move(partitions),
                                              ownership);
}

std::unique_ptr<LogTopology> KafkaLog::topology(
    std::optional<std::chrono::milliseconds> deadline) const {
  KafkaConfig config = config_;
  config.question_deadline = deadline.value_or(config.question_deadline);
  return std::make_unique<kafka::KafkaTopology>(config);
}

std::unique_ptr<LogCluster> KafkaLog::cluster(
    std::optional<std::chrono::milliseconds> deadline) const {
  KafkaConfig config = config_;
  config.question_deadline = deadline.value_or(config.question_deadline);
  return std::make_unique<kafka::KafkaCluster>(config);
}

std::unique_ptr<StreamSettings> KafkaLog::settings() const {
  return std::make_unique<kafka::KafkaSettings>(config_);
}

}  // namespace sluice

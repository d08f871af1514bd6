#include "tests/support/topic_changes.h"

#include <array>
#include <stdexcept>

#include "storage/kafka/kafka_log.h"

namespace sluice::testing {
namespace {

constexpr int kDeadlineMs = 30'000;

void require(rd_kafka_resp_err_t code) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(code));
}

}  // namespace

TopicChanges::TopicChanges(const std::string& brokers) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), nullptr, 0);
  client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0));
  queue_.reset(rd_kafka_queue_new(client_.get()));
}

// To the one request that was made last.
std::unique_ptr<rd_kafka_event_t, TopicChanges::Destroy> TopicChanges::answer() {
  std::unique_ptr<rd_kafka_event_t, Destroy> event(rd_kafka_queue_poll(queue_.get(), kDeadlineMs));
  if (event == nullptr) throw std::runtime_error("no answer");
  require(rd_kafka_event_error(event.get()));
  return event;
}

void TopicChanges::remove(const std::string& topic) {
  rd_kafka_DeleteTopic_t* deletion = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_DeleteTopics(client_.get(), &deletion, 1, nullptr, queue_.get());
  rd_kafka_DeleteTopic_destroy(deletion);
  const auto event = answer();
  std::size_t count = 0;
  const auto* results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) require(rd_kafka_topic_result_error(results[i]));
}

void TopicChanges::trim(const std::string& topic, int partition, std::int64_t offset) {
  rd_kafka_topic_partition_list_t* offsets = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(offsets, topic.c_str(), partition)->offset = offset;
  rd_kafka_DeleteRecords_t* deletion = rd_kafka_DeleteRecords_new(offsets);
  rd_kafka_topic_partition_list_destroy(offsets);
  rd_kafka_DeleteRecords(client_.get(), &deletion, 1, nullptr, queue_.get());
  rd_kafka_DeleteRecords_destroy(deletion);
  const auto event = answer();
  const auto* result =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  for (int i = 0; i < result->cnt; ++i) require(result->elems[i].err);
}

void TopicChanges::add_partitions(const std::string& topic, int partitions) {
  std::array<char, 512> error{};
  rd_kafka_NewPartitions_t* more = rd_kafka_NewPartitions_new(
      topic.c_str(), static_cast<std::size_t>(partitions), error.data(), error.size());
  if (more == nullptr) throw std::runtime_error(error.data());
  rd_kafka_CreatePartitions(client_.get(), &more, 1, nullptr, queue_.get());
  rd_kafka_NewPartitions_destroy(more);
  const auto event = answer();
  std::size_t count = 0;
  const auto* results = rd_kafka_CreatePartitions_result_topics(
      rd_kafka_event_CreatePartitions_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) require(rd_kafka_topic_result_error(results[i]));
}

void set_topic(const std::string& brokers, const std::string& topic, const std::string& setting,
               const std::string& value) {
  KafkaConfig config;
  config.brokers = brokers;
  KafkaLog(config).settings()->mend(topic, {{setting, "", value, "", false}});
}

}  // namespace sluice::testing

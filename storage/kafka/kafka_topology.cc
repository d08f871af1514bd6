#include "storage/kafka/kafka_topology.h"

#include <array>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "storage/base/errors.h"
#include "storage/kafka/error.h"
#include "storage/kafka/handles.h"
#include "storage/kafka/topic_metadata.h"
#include "storage/kafka/topic_settings.h"

namespace sluice::kafka {
namespace {

using Clock = std::chrono::steady_clock;
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroy<rd_kafka_NewTopic_destroy>>;
using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, Destroy<rd_kafka_AdminOptions_destroy>>;

constexpr std::chrono::milliseconds kBetween{20};  // questions
constexpr int kBrokersReplicationFactor = -1;

}  // namespace

KafkaTopology::KafkaTopology(const KafkaConfig& config)
    : deadline_(config.question_deadline),
      replication_factor_(config.replication_factor),
      client_(RD_KAFKA_PRODUCER, config, topology_properties(), 0),
      first_record_(config) {}

std::optional<int> KafkaTopology::partitions(std::string_view stream) {
  const std::string name(stream);
  const std::string doing = "asking for the partitions of " + name;
  const Metadata told = metadata_of(client_.get(), name, deadline_, doing);
  if (told == nullptr) return std::nullopt;
  return told->topics[0].partition_cnt;
}

void KafkaTopology::create(std::string_view stream, int partitions) {
  const std::string name(stream);
  request(name, partitions);
  wait_until_known(name, partitions);
}

void KafkaTopology::request(const std::string& stream, int partitions) {
  const std::string doing = "making " + stream;
  std::array<char, 512> error{};
  const NewTopic topic(rd_kafka_NewTopic_new(
      stream.c_str(), partitions, replication_factor_.value_or(kBrokersReplicationFactor),
      error.data(), error.size()));
  if (topic == nullptr) throw Misconfigured(doing + ": " + error.data());
  for (const auto& [key, value] : settings_of_new_topics()) {
    check(rd_kafka_NewTopic_set_config(topic.get(), key.c_str(), value.c_str()), doing);
  }

  const AdminOptions options(
      rd_kafka_AdminOptions_new(client_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
  const auto deadline = static_cast<int>(deadline_.count());
  check(rd_kafka_AdminOptions_set_request_timeout(options.get(), deadline, error.data(),
                                                  error.size()),
        doing);
  check(rd_kafka_AdminOptions_set_operation_timeout(options.get(), deadline, error.data(),
                                                    error.size()),
        doing);
  const Queue queue(rd_kafka_queue_new(client_.get()));
  std::array<rd_kafka_NewTopic_t*, 1> topics{topic.get()};
  rd_kafka_CreateTopics(client_.get(), topics.data(), topics.size(), options.get(), queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), 2 * deadline));
  if (event == nullptr) throw Retryable(doing + ": no answer" + std::string(kIsBrokerThere));
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    fail(rd_kafka_event_error(event.get()), doing, rd_kafka_event_error_string(event.get()));
  }
  std::size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto code = rd_kafka_topic_result_error(results[i]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
      continue;
    const char* detail = rd_kafka_topic_result_error_string(results[i]);
    fail(code, doing, detail == nullptr ? "" : detail);
  }
}

// Brokers hear of a topic after the controller has made it, and only then have its partitions
// leaders.
void KafkaTopology::wait_until_known(const std::string& stream, int partitions) {
  const auto end = Clock::now() + deadline_;
  for (;;) {
    const std::optional<int> found = this->partitions(stream);
    if (found && *found != partitions) {
      throw Misconfigured(stream + " has " + std::to_string(*found) + " partitions, not " +
                          std::to_string(partitions) +
                          ": keys would move to other partitions. If nothing was folded of it yet, "
                          "give --partitions " +
                          std::to_string(*found) +
                          "; if partitions were added, see docs/start_checks.md");
    }
    LogRange range;
    if (found && ask(stream, Partition{partitions - 1}, range) == RD_KAFKA_RESP_ERR_NO_ERROR)
      return;
    if (Clock::now() >= end) {
      throw Retryable("making " + stream + ": no broker knows it yet; try again");
    }
    std::this_thread::sleep_for(kBetween);
  }
}

LogRange KafkaTopology::range(std::string_view stream, Partition partition) {
  const std::string name(stream);
  const std::optional<int> count = partitions(stream);
  if (!count)
    throw Misconfigured("there is no stream " + name + ": `sluice topics apply` makes it");
  if (partition.value < 0 || partition.value >= *count) {
    throw Misconfigured(name + " has " + std::to_string(*count) + " partitions, and no " +
                        std::to_string(partition.value));
  }
  LogRange range;
  const auto code = ask(name, partition, range);
  const std::string doing =
      "asking for the range of " + name + "/" + std::to_string(partition.value);
  if (code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) throw Retryable(doing + ": not heard of yet");
  check(code, doing);
  return range;
}

std::string KafkaTopology::name() {
  char* const id = rd_kafka_clusterid(client_.get(), static_cast<int>(deadline_.count()));
  if (id == nullptr) {
    throw Retryable("asking for the cluster's id: no broker tells it" +
                    std::string(kIsBrokerThere));
  }
  std::string name(id);
  rd_kafka_mem_free(client_.get(), id);
  return name;
}

std::optional<LogIdentity> KafkaTopology::identity(std::string_view stream, Partition partition) {
  const LogRange has = range(stream, partition);
  if (has.begin > Offset{0} || has.end == Offset{0}) return std::nullopt;
  return first_record_.identity(name(), std::string(stream), partition);
}

// Of a partition that the cluster has just told of. One whose leader has just started, or moves,
// answers in a moment, and what the client knows of a topic may be older.
rd_kafka_resp_err_t KafkaTopology::ask(const std::string& stream, Partition partition,
                                       LogRange& range) {
  const auto end = Clock::now() + deadline_;
  for (;;) {
    auto code = edge(stream, partition, RD_KAFKA_OFFSET_BEGINNING, range.begin);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      code = edge(stream, partition, RD_KAFKA_OFFSET_END, range.end);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return code;
    const bool passing =
        code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || reaction_to(code) == Reaction::retry;
    if (!passing || Clock::now() >= end) return code;
    std::this_thread::sleep_for(kBetween);
  }
}

// Not rd_kafka_query_watermark_offsets: while the leader is away it waits without end, whatever it
// is told (github.com/confluentinc/librdkafka/issues/2588).
rd_kafka_resp_err_t KafkaTopology::edge(const std::string& stream, Partition partition,
                                        std::int64_t which, Offset& found) {
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_t* const asked =
      rd_kafka_topic_partition_list_add(list.get(), stream.c_str(), partition.value);
  asked->offset = which;
  const auto code =
      rd_kafka_offsets_for_times(client_.get(), list.get(), static_cast<int>(deadline_.count()));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return code;
  if (asked->err != RD_KAFKA_RESP_ERR_NO_ERROR) return asked->err;
  // What had no answer in time stands as it was asked.
  if (asked->offset < 0) return RD_KAFKA_RESP_ERR__TIMED_OUT;
  found = Offset{asked->offset};
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace sluice::kafka

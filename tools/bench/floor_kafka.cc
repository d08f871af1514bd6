#include <librdkafka/rdkafka.h>

#include <array>
#include <chrono>
#include <cstdio>

#include "storage/base/check.h"
#include "tools/bench/cpu_time.h"
#include "tools/bench/floor.h"

namespace sluice::bench {
namespace {

constexpr int kPartitions = 4;
constexpr std::size_t kBatch = 10'000;

void set(rd_kafka_conf_t* config, const char* name, const char* value) {
  std::array<char, 256> why{};
  CHECK(rd_kafka_conf_set(config, name, value, why.data(), why.size()) == RD_KAFKA_CONF_OK,
        "librdkafka knows its properties");
}

}  // namespace

void drain_bare(const std::string& brokers, const std::string& topic) {
  rd_kafka_conf_t* config = rd_kafka_conf_new();
  set(config, "bootstrap.servers", brokers.c_str());
  set(config, "group.id", "bench");
  set(config, "enable.auto.commit", "false");
  set(config, "enable.partition.eof", "true");
  set(config, "check.crcs", "false");
  std::array<char, 256> why{};
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, config, why.data(), why.size());
  CHECK(consumer != nullptr, "a consumer can be made");
  rd_kafka_poll_set_consumer(consumer);
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(kPartitions);
  for (int i = 0; i < kPartitions; ++i) {
    rd_kafka_topic_partition_list_add(all, topic.c_str(), i)->offset = 0;
  }
  const auto begun = std::chrono::steady_clock::now();
  const auto cpu_begun = process_cpu();
  rd_kafka_assign(consumer, all);
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(consumer);
  std::array<rd_kafka_message_t*, kBatch> messages{};
  double events = 0;
  double bytes = 0;
  for (int ended = 0; ended < kPartitions;) {
    const auto got = rd_kafka_consume_batch_queue(queue, 1000, messages.data(), kBatch);
    CHECK(got >= 0, "the topic can be read");
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
      if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) ++ended;
      if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++events;
        bytes += static_cast<double>(messages[i]->len);
      }
      rd_kafka_message_destroy(messages[i]);
    }
  }
  const double cpu = std::chrono::duration<double>(process_cpu() - cpu_begun).count();
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf(
      "| bare consumer | %.0f events of %.0f bytes | %.2f CPU-s a million | %.0f events/s |\n",
      events, bytes / events, cpu / events * 1e6, events / took);
  rd_kafka_topic_partition_list_destroy(all);
  rd_kafka_queue_destroy(queue);
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
}

}  // namespace sluice::bench

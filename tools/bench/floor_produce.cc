#include <librdkafka/rdkafka.h>

#include <array>
#include <chrono>
#include <cstdio>

#include "storage/base/check.h"
#include "storage/base/partitioner.h"
#include "tools/bench/cpu_time.h"
#include "tools/bench/floor.h"

namespace sluice::bench {
namespace {

constexpr int kPartitions = 4;
constexpr int kRounds = 40;

void set(rd_kafka_conf_t* config, const char* name, const char* value) {
  std::array<char, 256> why{};
  CHECK(rd_kafka_conf_set(config, name, value, why.data(), why.size()) == RD_KAFKA_CONF_OK,
        "librdkafka knows its properties");
}

}  // namespace

void produce_bare(const std::string& brokers, const std::string& topic,
                  const std::vector<std::pair<std::string, std::string>>& records) {
  rd_kafka_conf_t* config = rd_kafka_conf_new();
  set(config, "bootstrap.servers", brokers.c_str());
  set(config, "enable.idempotence", "true");
  set(config, "acks", "all");
  set(config, "queue.buffering.max.messages", "1000000");
  std::array<char, 256> why{};
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, config, why.data(), why.size());
  CHECK(producer != nullptr, "a producer can be made");
  rd_kafka_topic_t* opened = rd_kafka_topic_new(producer, topic.c_str(), nullptr);
  constexpr int kPatienceMs = 60'000;
  const auto begun = std::chrono::steady_clock::now();
  const auto cpu_begun = process_cpu();
  for (int round = 0; round < kRounds; ++round) {
    std::vector<rd_kafka_message_t> messages(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto& [key, value] = records[i];
      messages[i].partition = partition_of(key, kPartitions).value;
      messages[i].payload = const_cast<char*>(value.data());  // only read
      messages[i].len = value.size();
      messages[i].key = const_cast<char*>(key.data());
      messages[i].key_len = key.size();
    }
    const int taken =
        rd_kafka_produce_batch(opened, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_PARTITION,
                               messages.data(), static_cast<int>(messages.size()));
    CHECK(taken == static_cast<int>(messages.size()), "the queue is large enough");
    CHECK(rd_kafka_flush(producer, kPatienceMs) == RD_KAFKA_RESP_ERR_NO_ERROR,
          "the broker answers");
  }
  const double cpu = std::chrono::duration<double>(process_cpu() - cpu_begun).count();
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  const double events = static_cast<double>(records.size()) * kRounds;
  std::printf("| bare librdkafka producer | | %.0f | %.2f | %.0f | |\n", events / took,
              cpu / events * 1e6, events / cpu);
  std::fflush(stdout);
  rd_kafka_topic_destroy(opened);
  rd_kafka_destroy(producer);
}

}  // namespace sluice::bench

// What becomes of each record of one append, on a real broker and on librdkafka's mock cluster,
// which can be made to have partitions without a leader.

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "storage/base/errors.h"
#include "storage/kafka/handles.h"
#include "tests/contract/log_reading.h"
#include "tests/integration/kafka_fixture.h"

namespace sluice::testing {
namespace {

using Kind = AppendFailure::Kind;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kDeadline{4000};

// Two partitions, of which the second can be without a leader.
class TwoPartitions {
 public:
  TwoPartitions() { rd_kafka_mock_topic_create(cluster_, "s", 2, 1); }
  ~TwoPartitions() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(client_);
  }
  TwoPartitions(const TwoPartitions&) = delete;
  TwoPartitions& operator=(const TwoPartitions&) = delete;

  [[nodiscard]] KafkaLog log() const {
    KafkaConfig config;
    config.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    config.append_deadline = kDeadline;
    config.properties = {{"topic.metadata.refresh.interval.ms", "200"}};
    return KafkaLog(config);
  }
  void take_leader() { rd_kafka_mock_partition_set_leader(cluster_, "s", 1, -1); }
  void give_leader() { rd_kafka_mock_partition_set_leader(cluster_, "s", 1, 1); }

 private:
  rd_kafka_t* client_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0);
  rd_kafka_mock_cluster_t* cluster_ = rd_kafka_mock_cluster_new(client_, 1);
};

// One record for each of the two.
std::vector<NewRecord> one_each() { return {{Partition{0}, "k", "a"}, {Partition{1}, "k", "b"}}; }

using Config =
    std::unique_ptr<rd_kafka_ConfigResource_t, kafka::Destroy<rd_kafka_ConfigResource_destroy>>;

// Sets what the topic takes at most, as an operator does while others append.
void set_limit(const KafkaBroker& broker, const std::string& topic, std::size_t bytes) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", broker.bootstrap().c_str(), nullptr, 0);
  rd_kafka_t* const client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
  {
    const Config config(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
    rd_kafka_ConfigResource_set_config(config.get(), "max.message.bytes",
                                       std::to_string(bytes).c_str());
    rd_kafka_ConfigResource_set_config(config.get(), "message.timestamp.type", "LogAppendTime");
    const kafka::Queue queue(rd_kafka_queue_new(client));
    std::array<rd_kafka_ConfigResource_t*, 1> all{config.get()};
    rd_kafka_AlterConfigs(client, all.data(), all.size(), nullptr, queue.get());
    const kafka::Event event(rd_kafka_queue_poll(queue.get(), 20'000));
    REQUIRE(event != nullptr);
    REQUIRE(rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  rd_kafka_destroy(client);
}

// Does not become smaller by compression, nor does another beside it.
std::string noise(std::size_t size, std::uint32_t seed = 1) {
  std::string text(size, '\0');
  std::uint32_t state = seed;
  for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

void check_fourth_is_too_large(const std::vector<NewRecord>& records) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    CAPTURE(i);
    CHECK((records[i].offset >= Offset{0}) == (i != 3));
    CHECK((records[i].failure != nullptr) == (i == 3));
  }
  REQUIRE(records[3].failure);
  CHECK(records[3].failure->kind == Kind::too_large);
  CHECK_THAT(records[3].failure->reason, Catch::Contains("partition 0"));
  CHECK_THAT(records[3].failure->reason, Catch::Contains("the large one"));
}

}  // namespace

TEST_CASE("a partition without a leader fails its own records and no others") {
  TwoPartitions cluster;
  const auto writer = cluster.log().writer();
  cluster.take_leader();
  auto records = one_each();
  const auto begun = std::chrono::steady_clock::now();
  writer->try_append("s", records);
  // Those that moved do not wait for the others' deadline.
  CHECK(std::chrono::steady_clock::now() - begun < kDeadline);
  CHECK(records[0].offset == Offset{0});
  CHECK_FALSE(records[0].failure);
  REQUIRE(records[1].failure);
  CHECK(records[1].failure->kind == Kind::not_appended);
  CHECK_THAT(records[1].failure->reason, Catch::Contains("partition 1"));

  cluster.give_leader();
  records = one_each();
  writer->try_append("s", records);
  CHECK(records[0].offset == Offset{1});
  CHECK(records[1].offset == Offset{0});
}

TEST_CASE("who leaves no gap is told that a partition has no leader, and goes on when it has") {
  TwoPartitions cluster;
  const auto writer = cluster.log().writer();
  cluster.take_leader();
  auto records = one_each();
  CHECK_THROWS_AS(writer->append("s", records), Retryable);
  cluster.give_leader();
  std::vector<NewRecord> again{records[1]};
  writer->append("s", again);
  CHECK(again[0].offset == Offset{0});
}

TEST_CASE("a record that the topic does not take fails no record beside it") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 1);
  const std::string large = noise(5000);
  const std::vector<std::string> values = numbers(0, 8);
  std::vector<NewRecord> records;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool is_large = i == 3;
    records.push_back({Partition{0}, is_large ? std::string_view("the large one") : "k",
                       is_large ? std::string_view(large) : values[i]});
  }
  SECTION("known before the append") {
    set_limit(shared_broker(), stream, 2000);
    CHECK(kafka.writer->largest_record(stream) == 1900);
    kafka.writer->try_append(stream, records);
    check_fourth_is_too_large(records);
    CHECK(records[3].failure->limit == 1900);
  }
  SECTION("the limit became smaller since it was asked for") {
    CHECK(kafka.writer->largest_record(stream) > large.size());
    set_limit(shared_broker(), stream, 2000);
    kafka.writer->try_append(stream, records);
    check_fourth_is_too_large(records);
    CHECK(records[3].failure->limit == 1900);
  }
  SECTION("for who leaves no gap") {
    set_limit(shared_broker(), stream, 2000);
    // A broker that does not say its limit in time takes no batch, and the next try tells which.
    try {
      kafka.writer->append(stream, records);
    } catch (const Retryable&) {
    } catch (const Misconfigured&) {
    }
    CHECK_THROWS_AS(kafka.writer->append(stream, records), Misconfigured);
    CHECK_THROWS_WITH(kafka.writer->append(stream, records), Catch::Contains("the large one"));
    CHECK(kafka.topology->range(stream, Partition{0}).end == Offset{0});
  }
}

TEST_CASE("records that are small alone are appended, though together they are above the limit") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 1);
  const bool asked_before = GENERATE(true, false);
  const bool gaps = GENERATE(true, false);
  CAPTURE(asked_before, gaps);
  std::vector<std::string> values;
  for (std::uint32_t i = 0; i < 100; ++i) values.push_back(noise(600, i));
  std::vector<NewRecord> records;
  for (const std::string& value : values) records.push_back({Partition{0}, "k", value});
  if (asked_before) CHECK(kafka.writer->largest_record(stream) > 60'000);
  set_limit(shared_broker(), stream, 2000);
  if (gaps) {
    kafka.writer->try_append(stream, records);
  } else {
    // Asks anew after a batch was refused.
    if (asked_before) CHECK_THROWS_AS(kafka.writer->append(stream, records), Retryable);
    kafka.writer->append(stream, records);
  }
  for (const NewRecord& record : records) REQUIRE_FALSE(record.failure);
  CHECK(kafka.topology->range(stream, Partition{0}).end == Offset{100});
}

}  // namespace sluice::testing

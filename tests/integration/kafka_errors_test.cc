// Errors that a real broker cannot be made to give, from librdkafka's mock cluster.

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <catch2/catch.hpp>
#include <vector>

#include "storage/errors.h"
#include "storage/kafka/kafka_log.h"
#include "tests/contract/log_reading.h"

namespace sluice::testing {
namespace {

constexpr std::int16_t kProduce = 0;  // Kafka's number of the request
constexpr std::chrono::milliseconds kDeadline{2000};

class MockCluster {
 public:
  MockCluster() {
    rd_kafka_mock_topic_create(cluster_, "s", 1, 1);
    KafkaConfig config;
    config.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    config.append_deadline = kDeadline;
    writer = KafkaLog(config).writer();
  }
  ~MockCluster() {
    writer.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(client_);
  }
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

  // The next `times` answers to appends.
  void answer(rd_kafka_resp_err_t error, std::size_t times) {
    const std::vector<rd_kafka_resp_err_t> errors(times, error);
    rd_kafka_mock_push_request_errors_array(cluster_, kProduce, errors.size(), errors.data());
  }

  void answer_well() { rd_kafka_mock_clear_request_errors(cluster_, kProduce); }

  std::unique_ptr<EventWriter> writer;

 private:
  rd_kafka_t* client_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0);
  rd_kafka_mock_cluster_t* cluster_ = rd_kafka_mock_cluster_new(client_, 1);
};

std::vector<Offset> append(MockCluster& mock, int first, int count) {
  return append_numbered(*mock.writer, "s", Partition{0}, first, count);
}

}  // namespace

TEST_CASE("an append outlasts what passes within its deadline") {
  MockCluster mock;
  mock.answer(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 2);
  // One record an append: unlike a broker, the mock takes a later request while an earlier one
  // failed.
  CHECK(append(mock, 0, 1) == offsets(0, 1));
  mock.answer(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 1);
  CHECK(append(mock, 1, 1) == offsets(1, 1));
}

TEST_CASE(
    "too few replicas for all of the deadline is Retryable, and the writer goes on after it") {
  MockCluster mock;
  append(mock, 0, 1);
  mock.answer(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 100);
  const auto begun = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(append(mock, 1, 1), Retryable);
  CHECK(std::chrono::steady_clock::now() - begun < 2 * kDeadline);
  mock.answer_well();
  CHECK(append(mock, 11, 1) == offsets(1, 1));
}

TEST_CASE("no permission to append is the operator's") {
  MockCluster mock;
  mock.answer(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
  CHECK_THROWS_AS(append(mock, 0, 1), Misconfigured);
  CHECK(append(mock, 0, 1) == offsets(0, 1));
}

}  // namespace sluice::testing

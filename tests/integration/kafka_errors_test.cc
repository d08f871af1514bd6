// Errors that a real broker cannot be made to give, from librdkafka's mock cluster.

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "storage/base/errors.h"
#include "storage/kafka/kafka_log.h"
#include "tests/contract/log_reading.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

// Kafka's numbers of the requests.
constexpr std::int16_t kProduce = 0;
constexpr std::int16_t kFetch = 1;
constexpr std::int16_t kListOffsets = 2;
constexpr std::int16_t kOffsetCommit = 8;
constexpr std::int16_t kHeartbeat = 12;
constexpr std::chrono::milliseconds kDeadline{2000};
constexpr std::chrono::milliseconds kSession{6000};

const KafkaMember kOne{.group = "g", .instance = "one"};
constexpr std::array<PartitionProgress, 1> kShown{{{Partition{0}, Offset{0}}}};

using Clock = std::chrono::steady_clock;

class MockCluster {
 public:
  MockCluster() {
    rd_kafka_mock_topic_create(cluster_, "s", 1, 1);
    writer = log().writer();
  }
  ~MockCluster() {
    writer.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(client_);
  }
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

  [[nodiscard]] KafkaLog log() const {
    KafkaConfig config;
    config.properties = {{"session.timeout.ms", std::to_string(kSession.count())},
                         {"heartbeat.interval.ms", "200"}};
    config.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    config.append_deadline = kDeadline;
    return KafkaLog(config);
  }

  // The next answers to a request.
  void answer(std::int16_t request, const std::vector<rd_kafka_resp_err_t>& errors) {
    rd_kafka_mock_push_request_errors_array(cluster_, request, errors.size(), errors.data());
  }
  // The next `times` answers to appends, or to another request.
  void answer(rd_kafka_resp_err_t error, std::size_t times, std::int16_t request = kProduce) {
    answer(request, std::vector<rd_kafka_resp_err_t>(times, error));
  }

  // The partition has no broker that leads it, or the first again.
  void take_leader() { rd_kafka_mock_partition_set_leader(cluster_, "s", 0, -1); }
  void give_leader() { rd_kafka_mock_partition_set_leader(cluster_, "s", 0, 1); }

  void answer_well(std::int16_t request = kProduce) {
    rd_kafka_mock_clear_request_errors(cluster_, request);
  }

  std::unique_ptr<EventWriter> writer;

 private:
  rd_kafka_t* client_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0);
  rd_kafka_mock_cluster_t* cluster_ = rd_kafka_mock_cluster_new(client_, 1);
};

std::vector<Offset> append(MockCluster& mock, int first, int count) {
  return append_numbered(*mock.writer, "s", Partition{0}, first, count);
}

void turn(EventReader& reader) { static_cast<void>(reader.poll(std::chrono::milliseconds{50})); }

// Polls until it throws.
template <class Failure>
bool fails_with(EventReader& reader) {
  return eventually([&] {
    try {
      turn(reader);
      return false;
    } catch (const Failure&) {
      return true;
    }
  });
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

TEST_CASE("a new member that is fenced has a double; another joins again") {
  MockCluster mock;
  const KafkaLog log = mock.log();
  Positions positions;
  const auto begun = Clock::now();
  const auto reader = log.reader("s", kOne, positions);
  take_acquired(*reader, positions, 1);
  SECTION("new") {
    mock.answer(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, 1, kHeartbeat);
    CHECK(fails_with<Misconfigured>(*reader));
  }
  SECTION("not new") {
    REQUIRE(eventually([&] { return turn(*reader), Clock::now() - begun > kSession; }));
    mock.answer(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, 1, kHeartbeat);
    CHECK(fails_with<Retryable>(*reader));
  }
  SECTION("new, while it shows its progress") {
    mock.answer(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, 1, kOffsetCommit);
    reader->show_progress(kShown);
    CHECK(fails_with<Retryable>(*reader));
  }
}

// Others may not have been given it: who goes then need not stay away until it is forgotten.
TEST_CASE("a static member whose session has timed out comes back at once") {
  MockCluster mock;
  const KafkaLog log = mock.log();
  Positions positions;
  auto reader = log.reader("s", kOne, positions);
  take_acquired(*reader, positions, 1);
  mock.answer(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, 1000, kHeartbeat);
  REQUIRE(eventually([&] { return turn(*reader), !positions.lost_partitions.empty(); }));
  mock.answer_well(kHeartbeat);
  reader.reset();
  REQUIRE_NOTHROW(reader = log.reader("s", kOne, positions));
  take_acquired(*reader, positions, 2);
}

TEST_CASE("a reader that nobody told where the log ends has not caught up") {
  MockCluster mock;
  append(mock, 0, 3);
  const KafkaLog log = mock.log();
  Positions positions;
  const auto reader = log.reader("s", {Partition{0}}, positions);
  mock.answer(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 1000, kListOffsets);
  mock.answer(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 1000, kFetch);
  take_acquired(*reader, positions, 1);
  CHECK_FALSE(reader->caught_up(Partition{0}));
  mock.answer_well(kListOffsets);
  mock.answer_well(kFetch);
  CHECK(values_of(take(*reader, positions, 3), Partition{0}) == numbers(0, 3));
  catch_up(*reader, positions, {Partition{0}});
}

// While the coordinator is away they would pile up.
TEST_CASE("progress is not shown before the last was answered") {
  MockCluster mock;
  const KafkaLog log = mock.log();
  Positions positions;
  const auto reader = log.reader("s", kOne, positions);
  take_acquired(*reader, positions, 1);
  mock.answer(kOffsetCommit, {RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID});
  for (int times = 0; times < 10; ++times) reader->show_progress(kShown);
  for (int turns = 0; turns < 20; ++turns) CHECK_NOTHROW(turn(*reader));
  reader->show_progress(kShown);
  CHECK(fails_with<Retryable>(*reader));
}

TEST_CASE("a partition that has no leader is told to be served by nobody, until it has one") {
  MockCluster mock;
  const auto cluster = mock.log().cluster(kDeadline);
  CHECK(cluster->unserved("s") == std::vector<Partition>{});
  mock.take_leader();
  CHECK(cluster->unserved("s") == std::vector{Partition{0}});
  mock.give_leader();
  CHECK(cluster->unserved("s") == std::vector<Partition>{});
}

}  // namespace sluice::testing

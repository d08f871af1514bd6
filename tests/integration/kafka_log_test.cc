// The log on a real broker: the contract of every log, settings, and what an append is given.

#include "storage/kafka/kafka_log.h"

#include <catch2/catch.hpp>

#include "storage/base/errors.h"
#include "tests/contract/event_log_contract.h"
#include "tests/contract/log_reading.h"
#include "tests/integration/kafka_fixture.h"
#include "tests/support/transactions.h"

namespace sluice::testing {
namespace {

class KafkaLogUnderTest final : public LogUnderTest {
 public:
  LogTopology& topology() override { return *kafka_.topology; }
  std::unique_ptr<EventWriter> writer() override { return kafka_.log.writer(); }
  std::unique_ptr<EventReader> reader(std::string_view stream, Ownership& ownership) override {
    const KafkaMember member{.group = unique_stream(), .instance = {}};
    return kafka_.log.reader(stream, member, ownership);
  }
  bool leave_out_offsets(std::string_view stream, Partition partition) override {
    Transactions transactions(shared_broker().bootstrap());
    transactions.append(stream, partition, {"nobody", "reads this"});
    transactions.end(Transactions::End::abort);
    return true;
  }
  void reopen() override {
    shared_broker().stop(KafkaBroker::Stop::kill);
    shared_broker().start();
  }

 private:
  KafkaFixture kafka_{shared_broker()};
};

}  // namespace

TEST_CASE("the log on Kafka keeps the contract") {
  if (!kafka_or_skip()) return;
  event_log_contract([] { return std::make_unique<KafkaLogUnderTest>(); });
}

TEST_CASE("a property that librdkafka does not know is named") {
  KafkaConfig config;
  config.brokers = "127.0.0.1:1";
  config.properties = {{"compresion.type", "lz4"}};
  CHECK_THROWS_WITH(KafkaLog(config), Catch::Contains("compresion.type"));
  CHECK_THROWS_AS(KafkaLog(config), Misconfigured);
  config.properties = {{"linger.ms", "soon"}};
  CHECK_THROWS_WITH(KafkaLog(config), Catch::Contains("linger.ms"));
}

TEST_CASE("the pass-through cannot change what correctness needs") {
  if (!kafka_or_skip()) return;
  KafkaConfig config;
  config.properties = {{"enable.idempotence", "false"},
                       {"acks", "0"},  // would answer without an offset
                       {"auto.offset.reset", "earliest"},
                       {"max.in.flight.requests.per.connection", "1000"},
                       {"compression.type", "zstd"}};
  KafkaFixture kafka(shared_broker(), config);
  const std::string stream = new_stream(*kafka.topology, 1);
  CHECK(append_numbered(*kafka.writer, stream, Partition{0}, 0, 10) == offsets(0, 10));
  Positions positions;
  positions.begin[Partition{0}] = Offset{11};
  const auto reader = kafka.everything(stream, positions);
  CHECK_THROWS_AS(take(*reader, positions, 1), Corrupt);
}

TEST_CASE("a record that the topic cannot take is refused as what an operator must change") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 1);
  const std::string large(3u << 20, 'x');
  std::vector<NewRecord> records{{Partition{0}, "k", large}};
  CHECK_THROWS_AS(kafka.writer->append(stream, records), Misconfigured);
  // The writer is none the worse.
  CHECK(append_numbered(*kafka.writer, stream, Partition{0}, 0, 1) == offsets(0, 1));
}

TEST_CASE("an append larger than the client's queue goes through it in order") {
  if (!kafka_or_skip()) return;
  KafkaConfig config;
  config.properties = {{"queue.buffering.max.messages", "500"}};
  KafkaFixture kafka(shared_broker(), config);
  const std::string stream = new_stream(*kafka.topology, 1);
  CHECK(append_numbered(*kafka.writer, stream, Partition{0}, 0, 20000) == offsets(0, 20000));
  Positions positions;
  const auto reader = kafka.everything(stream, positions);
  CHECK(values_of(take(*reader, positions, 20000), Partition{0}) == numbers(0, 20000));
}

}  // namespace sluice::testing

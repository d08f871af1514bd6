// What tells a topic from another of its name, on a real broker.

#include "storage/base/errors.h"
#include "tests/contract/log_reading.h"
#include "tests/integration/kafka_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/topic_changes.h"
#include "tests/support/transactions.h"

namespace sluice::testing {
namespace {

void remove_and_wait(LogTopology& topology, const std::string& stream) {
  TopicChanges(shared_broker().bootstrap()).remove(stream);
  REQUIRE(eventually([&] { return !topology.partitions(stream); }));
}

}  // namespace

TEST_CASE(
    "a topic that was deleted and made anew has another identity, and none while it is empty") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 1);
  const Partition only{0};
  CHECK_FALSE(kafka.topology->identity(stream, only));
  append_numbered(*kafka.writer, stream, only, 0, 10);
  const auto before = kafka.topology->identity(stream, only);
  REQUIRE(before);
  remove_and_wait(*kafka.topology, stream);
  CHECK_THROWS_AS(kafka.topology->identity(stream, only), Misconfigured);
  kafka.topology->create(stream, 1);
  CHECK_FALSE(kafka.topology->identity(stream, only));
  // The same records as before, by a writer that knows nothing of the old topic.
  append_numbered(*kafka.log.writer(), stream, only, 0, 10);
  const auto after = kafka.topology->identity(stream, only);
  REQUIRE(after);
  CHECK(after != before);
  // Another client, asking for the first time, is told the same.
  CHECK(kafka.log.topology()->identity(stream, only) == after);
}

TEST_CASE("a partition that has lost its first record has no identity") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 1);
  append_numbered(*kafka.writer, stream, Partition{0}, 0, 10);
  TopicChanges(shared_broker().bootstrap()).trim(stream, 0, 3);
  REQUIRE(
      eventually([&] { return kafka.topology->range(stream, Partition{0}).begin == Offset{3}; }));
  CHECK_FALSE(kafka.topology->identity(stream, Partition{0}));
}

TEST_CASE("what was aborted tells nothing: the first record that is read does") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 1);
  Transactions others(shared_broker().bootstrap());
  others.append(stream, Partition{0}, {"never read"});
  others.end(Transactions::End::abort);
  CHECK_FALSE(kafka.topology->identity(stream, Partition{0}));
  append_numbered(*kafka.writer, stream, Partition{0}, 0, 1);
  // Until the broker has come past the marker, nothing behind it can be read.
  CHECK(eventually([&] { return kafka.topology->identity(stream, Partition{0}).has_value(); }));
}

}  // namespace sluice::testing

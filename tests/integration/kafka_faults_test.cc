// What a real broker does to its clients: it is killed, stands still, and comes back.

#include <algorithm>

#include "storage/base/errors.h"
#include "tests/contract/log_reading.h"
#include "tests/integration/kafka_fixture.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kDeadline{1500};
constexpr seconds kQuick{5};  // for what must not hang, on a slow machine

KafkaConfig impatient() {
  KafkaConfig config;
  config.append_deadline = kDeadline;
  config.question_deadline = kDeadline;
  return config;
}

// Everything that the stream's only partition has.
std::vector<std::string> everything_in(KafkaFixture& kafka, const std::string& stream) {
  LogRange range;
  REQUIRE(eventually(
      [&] {
        try {
          range = kafka.topology->range(stream, Partition{0});
          return true;
        } catch (const Retryable&) {
          return false;
        }
      },
      seconds(60)));
  Positions positions;
  const auto reader = kafka.everything(stream, positions);
  return values_of(take(*reader, positions, static_cast<std::size_t>(range.end.value)),
                   Partition{0});
}

// Until the broker is back for this writer; how often it was asked.
void append_when_back(KafkaFixture& kafka, const std::string& stream, int value) {
  REQUIRE(eventually(
      [&] {
        try {
          append_numbered(*kafka.writer, stream, Partition{0}, value, 1);
          return true;
        } catch (const Retryable&) {
          return false;
        }
      },
      seconds(60)));
}

bool in_order(const std::vector<std::string>& values) {
  return std::is_sorted(values.begin(), values.end(),
                        [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); });
}

}  // namespace

TEST_CASE("what was acknowledged survives kill -9 of the broker, again and again") {
  if (!kafka_or_skip()) return;
  KafkaBroker broker;
  KafkaFixture kafka(broker);
  const std::string stream = new_stream(*kafka.topology, 1);
  int appended = 0;
  for (int round = 0; round < 2; ++round) {
    append_when_back(kafka, stream, appended++);
    for (int i = 0; i < 20; ++i, appended += 50) {
      append_numbered(*kafka.writer, stream, Partition{0}, appended, 50);
    }
    broker.stop(KafkaBroker::Stop::kill);
    broker.start();
  }
  // Every value is there; one may be there twice, where its first append had no answer.
  std::vector<std::string> found = everything_in(kafka, stream);
  CHECK(in_order(found));
  found.erase(std::unique(found.begin(), found.end()), found.end());
  CHECK(found == numbers(0, appended));
}

TEST_CASE("while the broker is away an append fails by its deadline, and leaves nothing behind") {
  if (!kafka_or_skip()) return;
  KafkaBroker broker;
  KafkaFixture kafka(broker, impatient());
  const std::string stream = new_stream(*kafka.topology, 1);
  append_numbered(*kafka.writer, stream, Partition{0}, 0, 1);
  broker.stop(KafkaBroker::Stop::kill);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto begun = Clock::now();
    CHECK_THROWS_AS(append_numbered(*kafka.writer, stream, Partition{0}, 100, 1000), Retryable);
    CHECK(Clock::now() - begun < kDeadline + kQuick);
  }
  CHECK_THROWS_AS(kafka.topology->range(stream, Partition{0}), Retryable);
  CHECK_THROWS_AS(kafka.topology->partitions(stream), Retryable);
  broker.start();
  append_when_back(kafka, stream, 5000);
  CHECK(everything_in(kafka, stream) == std::vector<std::string>{"0", "5000"});
}

TEST_CASE("of an append to a broker that stands still a prefix may come, and nothing behind it") {
  if (!kafka_or_skip()) return;
  KafkaBroker broker;
  KafkaConfig config = impatient();
  config.properties = {{"batch.num.messages", "10"}};  // many requests in flight
  KafkaFixture kafka(broker, config);
  const std::string stream = new_stream(*kafka.topology, 1);
  append_numbered(*kafka.writer, stream, Partition{0}, 0, 1);
  broker.pause();
  CHECK_THROWS_AS(append_numbered(*kafka.writer, stream, Partition{0}, 100, 1000), Retryable);
  broker.resume();
  append_when_back(kafka, stream, 5000);
  append_numbered(*kafka.writer, stream, Partition{0}, 5001, 1);

  std::vector<std::string> found = everything_in(kafka, stream);
  CHECK(found.front() == "0");
  const auto mine = [](const std::string& value) { return std::stoi(value) >= 5000; };
  std::vector<std::string> late = found;
  std::erase_if(late, mine);
  late.erase(late.begin());
  CHECK(late == numbers(100, static_cast<int>(late.size())));
  std::erase_if(found, [&](const std::string& value) { return !mine(value); });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  CHECK(found == numbers(5000, 2));
}

TEST_CASE("a reader outlives its broker: silent while it is away, without a gap when it is back") {
  if (!kafka_or_skip()) return;
  KafkaBroker broker;
  KafkaFixture kafka(broker);
  const std::string stream = new_stream(*kafka.topology, 1);
  append_numbered(*kafka.writer, stream, Partition{0}, 0, 10);
  Positions positions;
  const auto member =
      kafka.log.reader(stream, KafkaMember{.group = unique_stream(), .instance = "one"}, positions);
  take(*member, positions, 10);
  broker.stop(KafkaBroker::Stop::kill);
  const auto until = Clock::now() + seconds(3);
  while (Clock::now() < until) CHECK(member->poll(milliseconds(100)).empty());
  broker.start();
  append_when_back(kafka, stream, 10);
  append_numbered(*kafka.writer, stream, Partition{0}, 11, 9);
  // Had the partition been lost meanwhile, it would have been read from where it is acquired.
  positions.begin[Partition{0}] = Offset{10};
  CHECK(values_of(take(*member, positions, 10), Partition{0}) == numbers(10, 10));
}

TEST_CASE("nothing hangs when it is destroyed while the broker is away or stands still") {
  if (!kafka_or_skip()) return;
  KafkaBroker broker;
  auto kafka = std::make_unique<KafkaFixture>(broker, impatient());
  const std::string stream = new_stream(*kafka->topology, 1);
  append_numbered(*kafka->writer, stream, Partition{0}, 0, 10);
  Positions positions;
  auto member = kafka->log.reader(stream, KafkaMember{.group = "g", .instance = "one"}, positions);
  auto ordinary = kafka->log.reader(stream, KafkaMember{.group = "h", .instance = {}}, positions);
  auto alone = kafka->everything(stream, positions);
  for (const auto* reader : {&member, &ordinary, &alone}) take(**reader, positions, 10);

  SECTION("away") { broker.stop(KafkaBroker::Stop::kill); }
  SECTION("standing still") { broker.pause(); }
  CHECK_THROWS_AS(append_numbered(*kafka->writer, stream, Partition{0}, 10, 10), Retryable);
  // What waits for the coordinator's answer.
  for (const auto* reader : {&member, &ordinary}) {
    (*reader)->show_progress({{{Partition{0}, Offset{5}}}});
  }
  auto begun = Clock::now();
  member.reset();
  alone.reset();
  kafka->writer.reset();
  kafka->topology.reset();
  CHECK(Clock::now() - begun < kQuick);
  // This one says good-bye, which nobody hears: librdkafka waits five seconds for an answer.
  begun = Clock::now();
  ordinary.reset();
  CHECK(Clock::now() - begun < 2 * kQuick);
}

}  // namespace sluice::testing

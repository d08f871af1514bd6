// Others' transactions in a topic of ours: what they take of its offsets, and what they hold back.

#include "storage/base/errors.h"
#include "tests/contract/log_reading.h"
#include "tests/integration/kafka_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/transactions.h"

namespace sluice::testing {
namespace {

constexpr Partition kOnly{0};
constexpr std::chrono::milliseconds kPoll{50};

struct TransactedTopic {
  KafkaFixture kafka{shared_broker()};
  const std::string stream = new_stream(*kafka.topology, 1);
  Transactions transactions{shared_broker().bootstrap()};
  Positions positions;
};

// Polls, drops what comes, until `condition` holds.
template <class Condition>
bool polled_until(EventReader& reader, Condition condition) {
  return eventually([&] {
    static_cast<void>(reader.poll(kPoll));
    return condition();
  });
}

}  // namespace

TEST_CASE("the marker of a commit as the last offset keeps no reader from the end") {
  if (!kafka_or_skip()) return;
  TransactedTopic topic;
  append_numbered(*topic.kafka.writer, topic.stream, kOnly, 0, 3);
  topic.transactions.append(topic.stream, kOnly, {"3", "4"});
  topic.transactions.end(Transactions::End::commit);
  const auto reader = topic.kafka.everything(topic.stream, topic.positions);
  CHECK(values_of(take(*reader, topic.positions, 5), kOnly) == numbers(0, 5));
  catch_up(*reader, topic.positions, {kOnly});
  CHECK(reader->end(kOnly) == Offset{5});
  CHECK(topic.kafka.topology->range(topic.stream, kOnly).end == Offset{6});
}

TEST_CASE("a reader that has caught up notices nothing of transactions that are aborted") {
  if (!kafka_or_skip()) return;
  TransactedTopic topic;
  append_numbered(*topic.kafka.writer, topic.stream, kOnly, 0, 3);
  const auto reader = topic.kafka.everything(topic.stream, topic.positions);
  take(*reader, topic.positions, 3);
  catch_up(*reader, topic.positions, {kOnly});
  for (int i = 0; i < 3; ++i) {
    topic.transactions.append(topic.stream, kOnly, {"gone", "gone"});
    topic.transactions.end(Transactions::End::abort);
    CHECK(polled_until(
        *reader, [&] { return reader->caught_up(kOnly) && reader->end(kOnly) == Offset{3}; }));
  }
  CHECK(append_numbered(*topic.kafka.writer, topic.stream, kOnly, 3, 1) == offsets(12, 1));
  CHECK(values_of(take(*reader, topic.positions, 1), kOnly) == numbers(3, 1));
}

// What was acknowledged and cannot be read yet is behind: it counts as lag.
TEST_CASE("an open transaction holds back what was appended behind it, and the end says so") {
  if (!kafka_or_skip()) return;
  TransactedTopic topic;
  append_numbered(*topic.kafka.writer, topic.stream, kOnly, 0, 2);
  topic.transactions.append(topic.stream, kOnly, {"2"});
  append_numbered(*topic.kafka.writer, topic.stream, kOnly, 3, 2);
  const auto reader = topic.kafka.everything(topic.stream, topic.positions);
  CHECK(values_of(take(*reader, topic.positions, 2), kOnly) == numbers(0, 2));
  CHECK(polled_until(*reader,
                     [&] { return reader->caught_up(kOnly) && reader->end(kOnly) == Offset{5}; }));
  topic.transactions.end(Transactions::End::commit);
  CHECK(values_of(take(*reader, topic.positions, 3), kOnly) == numbers(2, 3));
  CHECK(polled_until(*reader,
                     [&] { return reader->caught_up(kOnly) && reader->end(kOnly) == Offset{5}; }));
}

}  // namespace sluice::testing

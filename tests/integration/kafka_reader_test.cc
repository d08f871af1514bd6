// A reader of a real broker where librdkafka's own idea of a position is not to be trusted: seeks
// and pauses with records fetched ahead, positions that the log does not have.

#include <algorithm>
#include <random>

#include "storage/base/errors.h"
#include "tests/contract/log_reading.h"
#include "tests/integration/kafka_fixture.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

constexpr std::chrono::milliseconds kPoll{50};

// Polls until something of `partition` comes; the offset of the first.
Offset next_offset(EventReader& reader, Partition partition) {
  std::optional<Offset> first;
  const bool came = eventually([&] {
    for (const LogRecord& r : reader.poll(kPoll)) {
      if (!first && r.partition == partition) first = r.offset;
    }
    return first.has_value();
  });
  REQUIRE(came);
  return *first;
}

}  // namespace

TEST_CASE("nothing fetched before a seek is returned after it") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 2);
  constexpr int kRecords = 50'000;
  for (const Partition p : {Partition{0}, Partition{1}}) {
    append_numbered(*kafka.writer, stream, p, 0, kRecords);
  }
  Positions positions;
  const auto reader = kafka.everything(stream, positions);
  std::minstd_rand random(7);
  std::map<Partition, Offset> next{{Partition{0}, Offset{0}}, {Partition{1}, Offset{0}}};
  std::map<Partition, bool> paused;
  std::size_t read = 0;
  for (int turn = 0; turn < 400; ++turn) {
    for (const LogRecord& r : reader->poll(kPoll)) {
      // Whatever was fetched ahead: exactly the next one, and never of a paused partition.
      REQUIRE(r.offset == next[r.partition]);
      REQUIRE_FALSE(paused[r.partition]);
      next[r.partition] = r.offset.next();
      ++read;
    }
    if (positions.acquired_partitions.size() < 2) continue;
    const Partition p{static_cast<std::int32_t>(random() % 2)};
    switch (random() % 4) {
      case 0:
        next[p] = Offset{static_cast<std::int64_t>(random() % kRecords)};
        reader->seek(p, next[p]);
        break;
      case 1:
        paused[p] = !paused[p];
        reader->pause(p, paused[p]);
        break;
      default:
        break;
    }
  }
  CHECK(read > 10'000);
}

TEST_CASE("a batch stays readable while its partitions are paused and sought") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 1);
  append_numbered(*kafka.writer, stream, Partition{0}, 0, 100);
  Positions positions;
  const auto reader = kafka.everything(stream, positions);
  std::span<const LogRecord> batch;
  REQUIRE(eventually([&] {
    batch = reader->poll(kPoll);
    return !batch.empty();
  }));
  reader->pause(Partition{0}, true);
  CHECK(batch[0].value == "0");
  CHECK(batch[0].key == key_of("0"));
}

TEST_CASE("a position that the log does not have is told once, and others go on") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 2);
  append_numbered(*kafka.writer, stream, Partition{0}, 0, 10);
  append_numbered(*kafka.writer, stream, Partition{1}, 0, 10);
  Positions positions;
  positions.begin[Partition{0}] = Offset{11};
  const auto reader = kafka.everything(stream, positions);
  std::string told;
  int times = 0;
  std::vector<std::string> others;
  const auto turn = [&] {
    try {
      for (const LogRecord& r : reader->poll(kPoll)) {
        CHECK(r.partition == Partition{1});
        others.emplace_back(r.value);
      }
    } catch (const Corrupt& corrupt) {
      told = corrupt.what();
      ++times;
    }
    return times > 0 && others.size() == 10;
  };
  REQUIRE(eventually(turn));
  CHECK(others == numbers(0, 10));
  CHECK_THAT(told, Catch::Contains(stream + "/0") && Catch::Contains("position 11") &&
                       Catch::Contains("[0, 10)") && Catch::Contains("lost its tail"));
  append_numbered(*kafka.writer, stream, Partition{1}, 10, 1);
  REQUIRE(eventually([&] { return turn(), others.size() == 11; }));
  CHECK(times == 1);

  for (int round = 0; round < 8; ++round) {
    INFO("round " << round);
    reader->seek(Partition{0}, Offset{4});
    CHECK(values_of(take(*reader, positions, 6), Partition{0}) == numbers(4, 6));
    reader->seek(Partition{0}, Offset{11});
    times = 0;
    REQUIRE(eventually([&] { return turn(), times == 1; }));
  }
}

TEST_CASE("a reader with little memory waits for its broker, not for a clock") {
  if (!kafka_or_skip()) return;
  KafkaConfig config;
  config.read_bytes = 2u << 20;
  // So that each fetch, of 1 MiB a partition, fills it.
  config.properties = {{"fetch.message.max.bytes", "1048576"}, {"fetch.max.bytes", "8388608"}};
  KafkaFixture kafka(shared_broker(), config);
  const std::string stream = new_stream(*kafka.topology, 4);
  // Not to be compressed: 40 MiB for a reader that holds one.
  constexpr std::size_t kRecords = 40'000;
  std::minstd_rand random(7);
  std::string noise(1024, ' ');
  for (char& c : noise) c = static_cast<char>(random());
  std::vector<std::string> values(kRecords, noise);
  for (std::string& value : values) std::shuffle(value.begin(), value.end(), random);
  std::vector<NewRecord> records;
  for (std::size_t i = 0; i < kRecords; ++i) {
    records.push_back({Partition{static_cast<std::int32_t>(i % 4)}, "k", values[i]});
  }
  kafka.writer->append(stream, records);
  Positions positions;
  const auto reader = kafka.everything(stream, positions);
  const auto begun = std::chrono::steady_clock::now();
  CHECK(take(*reader, positions, kRecords).size() == kRecords);
  // At one fill of its memory a second it would take ten or more.
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(6));
}

TEST_CASE("no such stream is the operator's, for members and for those without a group") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  Positions positions;
  const std::string missing = unique_stream();
  const auto member =
      kafka.log.reader(missing, KafkaMember{.group = "g", .instance = {}}, positions);
  const auto alone = kafka.log.reader(missing, std::vector{Partition{0}}, positions);
  CHECK_THROWS_AS(take(*member, positions, 1), Misconfigured);
  CHECK_THROWS_AS(take(*alone, positions, 1), Misconfigured);
}

TEST_CASE("the end of a partition is known before anything of it is read, and follows") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 1);
  append_numbered(*kafka.writer, stream, Partition{0}, 0, 10);
  Positions positions;
  positions.begin[Partition{0}] = Offset{3};
  const auto reader = kafka.everything(stream, positions);
  static_cast<void>(reader->poll(std::chrono::milliseconds{0}));
  CHECK(reader->end(Partition{0}) == Offset{10});
  CHECK(next_offset(*reader, Partition{0}) == Offset{3});
  append_numbered(*kafka.writer, stream, Partition{0}, 10, 5);
  CHECK(eventually([&] {
    static_cast<void>(reader->poll(kPoll));
    return reader->end(Partition{0}) == Offset{15};
  }));
}

}  // namespace sluice::testing

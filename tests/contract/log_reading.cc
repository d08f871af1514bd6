#include "tests/contract/log_reading.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <sstream>

#include "storage/base/errors.h"

namespace sluice::testing {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kPoll{100};

std::span<const LogRecord> poll(EventReader& reader, Positions& positions) {
  struct Polling {
    explicit Polling(Positions& p) : positions(p) { positions.polling = true; }
    ~Polling() { positions.polling = false; }
    Positions& positions;
  } polling(positions);
  return reader.poll(kPoll);
}

}  // namespace

std::string unique_stream() {
  static int made = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return "contract." + std::to_string(now) + "." + std::to_string(getpid()) + "." +
         std::to_string(++made);
}

std::string new_stream(LogTopology& topology, int partitions) {
  std::string stream = unique_stream();
  topology.create(stream, partitions);
  return stream;
}

std::vector<std::string> numbers(int first, int count) {
  std::vector<std::string> all;
  for (int i = first; i < first + count; ++i) all.push_back(std::to_string(i));
  return all;
}

std::string key_of(std::string_view value) { return std::string("key ").append(value); }

std::vector<Offset> offsets(std::int64_t first, std::int64_t count) {
  std::vector<Offset> all;
  for (std::int64_t i = first; i < first + count; ++i) all.push_back(Offset{i});
  return all;
}

std::vector<Offset> append_numbered(EventWriter& writer, std::string_view stream,
                                    Partition partition, int first, int count) {
  const std::vector<std::string> values = numbers(first, count);
  std::vector<std::string> keys;
  for (const std::string& value : values) keys.push_back(key_of(value));
  std::vector<NewRecord> records;
  for (std::size_t i = 0; i < values.size(); ++i) {
    records.push_back({partition, keys[i], values[i]});
  }
  writer.append(stream, records);
  std::vector<Offset> given;
  for (const NewRecord& record : records) given.push_back(record.offset);
  return given;
}

Offset Positions::acquired(Partition partition) {
  called_outside_poll |= !polling;
  if (refuse) throw Fenced("refused by the test");
  acquired_partitions.push_back(partition);
  return begin[partition];
}

void Positions::lost(Partition partition) {
  // A reader that is being closed may tell of it outside poll.
  lost_partitions.push_back(partition);
}

Taken take(EventReader& reader, Positions& positions, std::size_t count, Gaps gaps) {
  Taken taken;
  std::map<Partition, Offset> next;
  const auto deadline = Clock::now() + kPatience;
  while (taken.size() < count) {
    for (const LogRecord& r : poll(reader, positions)) {
      const auto [expected, first] = next.try_emplace(r.partition, r.offset);
      INFO("partition " << r.partition.value);
      if (gaps == Gaps::none) REQUIRE(r.offset == expected->second);
      REQUIRE(r.offset >= expected->second);
      expected->second = r.offset.next();
      taken.push_back(
          {r.partition, r.offset, r.appended_at, std::string(r.key), std::string(r.value)});
    }
    INFO("taken " << taken.size() << " of " << count);
    REQUIRE(Clock::now() < deadline);
  }
  REQUIRE(taken.size() == count);
  return taken;
}

void take_acquired(EventReader& reader, Positions& positions, std::size_t count) {
  const auto deadline = Clock::now() + kPatience;
  while (positions.acquired_partitions.size() < count) {
    const bool none = poll(reader, positions).empty();
    REQUIRE(none);
    REQUIRE(Clock::now() < deadline);
  }
}

void catch_up(EventReader& reader, Positions& positions, const std::vector<Partition>& partitions) {
  const auto deadline = Clock::now() + kPatience;
  const auto has = [&](Partition p) { return reader.caught_up(p); };
  do {
    const bool none = poll(reader, positions).empty();
    REQUIRE(none);
    REQUIRE(Clock::now() < deadline);
  } while (!std::ranges::all_of(partitions, has));
}

std::vector<std::string> values_of(const Taken& taken, Partition partition) {
  std::vector<std::string> values;
  for (const TakenRecord& r : taken) {
    if (r.partition == partition) values.push_back(r.value);
  }
  return values;
}

std::vector<Offset> offsets_of(const Taken& taken, Partition partition) {
  std::vector<Offset> all;
  for (const TakenRecord& r : taken) {
    if (r.partition == partition) all.push_back(r.offset);
  }
  return all;
}

}  // namespace sluice::testing

std::string Catch::StringMaker<sluice::Offset>::convert(sluice::Offset offset) {
  return std::to_string(offset.value);
}

std::string Catch::StringMaker<sluice::LogRange>::convert(const sluice::LogRange& range) {
  std::ostringstream out;
  out << '[' << range.begin.value << ", " << range.end.value << ')';
  return out.str();
}

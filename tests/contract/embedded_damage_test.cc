// Flipped bytes in the files of an embedded log: what they take, and what goes on.

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "storage/base/errors.h"
#include "storage/embedded/embedded_log.h"
#include "tests/contract/log_reading.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

constexpr Partition kFirst{0};
constexpr Partition kSecond{1};
constexpr int kRecords = 1000;

EmbeddedLog::Config small() { return {.bytes = 8 << 20}; }

// Each of some 500 bytes that no compression makes smaller, with its number in front.
std::string large_value(int number) {
  std::string value = std::to_string(number) + " ";
  std::uint32_t noise = static_cast<std::uint32_t>(number) * 2654435761u + 1;
  while (value.size() < 500) {
    noise = noise * 1664525u + 1013904223u;
    value.push_back(static_cast<char>(noise >> 24));
  }
  return value;
}

int number_of(std::string_view value) { return std::stoi(std::string(value)); }

void append_large(EventWriter& writer, Partition partition, int first, int count) {
  std::vector<std::string> values;
  for (int i = first; i < first + count; ++i) values.push_back(large_value(i));
  std::vector<NewRecord> records;
  records.reserve(values.size());
  for (const std::string& value : values) records.push_back({partition, "k", value});
  writer.append("s", records);
}

std::vector<std::filesystem::path> files(const std::filesystem::path& folder,
                                         std::string_view extension) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == extension) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void flip(const std::filesystem::path& file, std::size_t at) {
  std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
  const char byte = bytes_of(file).at(at);
  out.seekp(static_cast<std::streamoff>(at));
  out.put(static_cast<char>(byte ^ 0x20));
}

// Where the record's value lies, in a file of the extension that is not compressed there.
void flip_record(const std::filesystem::path& folder, std::string_view extension, int number) {
  const std::string value = large_value(number).substr(0, 40);
  for (const auto& file : files(folder, extension)) {
    const auto at = bytes_of(file).find(value);
    if (at != std::string::npos) return flip(file, at + value.size() / 2);
  }
  FAIL("no file has the record");
}

// A log with two partitions, whose records lie in one file; closed.
class Stored {
 public:
  Stored() {
    const auto log = EmbeddedLog::open(folder(), small());
    log->create("s", 2);
    const auto writer = log->writer();
    append_large(*writer, kFirst, 0, kRecords);
    append_large(*writer, kSecond, 10'000, kRecords);
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return dir_.path(); }
  // What lies in the write-ahead log is in a table file once it is opened again.
  void move_into_tables() const { EmbeddedLog::open(folder(), small()); }

 private:
  TempDir dir_;
};

// All that can be read of the log, and what it says where it cannot.
struct Reading {
  std::map<Partition, std::vector<int>> numbers;
  std::map<Partition, std::string> told;
};

Reading read_all(EmbeddedLog& log, const std::vector<Partition>& partitions) {
  Reading reading;
  Positions positions;
  const auto reader = log.reader("s", partitions, positions);
  for (int quiet = 0; quiet < 3;) {
    try {
      const auto records = reader->poll(std::chrono::milliseconds{0});
      for (const LogRecord& r : records) reading.numbers[r.partition].push_back(number_of(r.value));
      quiet = records.empty() ? quiet + 1 : 0;
    } catch (const Unreadable& unreadable) {
      CHECK(unreadable.cause() == Unreadable::Cause::damage);
      CHECK_FALSE(reader->caught_up(unreadable.partition()));
      const bool first = reading.told.emplace(unreadable.partition(), unreadable.what()).second;
      CHECK(first);
    }
  }
  return reading;
}

bool ascend_from(const std::vector<int>& numbers, int first, std::size_t count) {
  if (numbers.size() != count) return false;
  for (const int number : numbers) {
    if (number != first++) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a damaged block stops its own partition where it lies, by file, offsets and next step") {
  Stored stored;
  stored.move_into_tables();
  flip_record(stored.folder(), ".sst", 500);
  const auto log = EmbeddedLog::open(stored.folder(), small());
  const Reading reading = read_all(*log, {kFirst, kSecond});
  CHECK(ascend_from(reading.numbers.at(kSecond), 10'000, kRecords));
  const std::size_t before = reading.numbers.at(kFirst).size();
  CHECK(ascend_from(reading.numbers.at(kFirst), 0, before));
  CHECK(before > 300);
  CHECK(before <= 500);
  const std::string& told = reading.told.at(kFirst);
  CHECK_THAT(told, Catch::Contains("partition 0 of s") && Catch::Contains(".sst") &&
                       Catch::Contains("[" + std::to_string(before) + ", ") &&
                       Catch::Contains("restore " + stored.folder().string()));
  CHECK(reading.told.size() == 1);
  // Its end is sound: it takes more, as the other does.
  append_large(*log->writer(), kFirst, kRecords, 1);
  append_large(*log->writer(), kSecond, 11'000, 1);
  CHECK(log->range("s", kFirst).end == Offset{kRecords + 1});

  Positions positions;
  const auto offset = told.find(", ", told.find('[')) + 2;
  positions.begin[kFirst] = Offset{std::stoll(told.substr(offset))};
  const auto behind = log->reader("s", {kFirst}, positions);
  const auto records = behind->poll(std::chrono::milliseconds{0});
  REQUIRE_FALSE(records.empty());
  CHECK(number_of(records.front().value) == positions.begin[kFirst].value);
}

TEST_CASE("where a partition ends is known though its last block is damaged") {
  Stored stored;
  stored.move_into_tables();
  flip_record(stored.folder(), ".sst", kRecords - 2);
  const auto log = EmbeddedLog::open(stored.folder(), small());
  CHECK(log->range("s", kFirst).end == Offset{kRecords});
  CHECK(log->range("s", kSecond).end == Offset{kRecords});
  const auto writer = log->writer();
  append_large(*writer, kFirst, kRecords, 1);
  append_large(*writer, kSecond, 10'000 + kRecords, 1);
  const Reading reading = read_all(*log, {kFirst, kSecond});
  CHECK(reading.numbers.at(kFirst).size() > 700);
  CHECK(reading.told.contains(kFirst));
}

// What the block before the damaged one ends with and the one behind it begins with may be others'.
TEST_CASE("neighbours of a damaged block lose nothing, empty ones neither") {
  TempDir dir;
  {
    const auto log = EmbeddedLog::open(dir.path(), small());
    log->create("s", 4);
    append_large(*log->writer(), kSecond, 0, kRecords);
    append_large(*log->writer(), Partition{3}, 10'000, kRecords);
  }
  { const auto settled = EmbeddedLog::open(dir.path(), small()); }
  flip_record(dir.path(), ".sst", GENERATE(0, kRecords / 2, kRecords - 1));
  const auto log = EmbeddedLog::open(dir.path(), small());
  CHECK(log->range("s", kFirst).end == Offset{0});
  CHECK(log->range("s", Partition{2}).end == Offset{0});
  append_large(*log->writer(), kFirst, 0, 10);
  append_large(*log->writer(), Partition{2}, 0, 10);
  const Reading reading = read_all(*log, {kFirst, kSecond, Partition{2}, Partition{3}});
  CHECK(reading.numbers.at(kFirst).size() == 10);
  CHECK(reading.numbers.at(Partition{2}).size() == 10);
  CHECK(reading.told.contains(kSecond));
}

TEST_CASE(
    "a file that cannot be opened stops no start, and partitions refuse what they cannot place") {
  Stored stored;
  stored.move_into_tables();
  const auto tables = files(stored.folder(), ".sst");
  REQUIRE(tables.size() == 1);
  SECTION("its footer") { flip(tables[0], std::filesystem::file_size(tables[0]) - 9); }
  SECTION("gone") { std::filesystem::remove(tables[0]); }
  const auto log = EmbeddedLog::open(stored.folder(), small());
  CHECK(log->partitions("s") == 2);
  CHECK_THROWS_WITH(log->range("s", kFirst), Catch::Contains("partition 0 of s") &&
                                                 Catch::Contains(tables[0].stem().string()) &&
                                                 Catch::Contains("restore"));
  const auto writer = log->writer();
  std::vector<NewRecord> records{{kFirst, "k", "0"}, {kSecond, "k", "1"}};
  writer->try_append("s", records);
  REQUIRE(records[0].failure);
  CHECK(records[0].failure->kind == AppendFailure::Kind::not_appended);
  CHECK_THAT(records[0].failure->reason, Catch::Contains("takes nothing more"));
  CHECK_THROWS_AS(writer->append("s", records), Retryable);
  Positions positions;
  const auto reader = log->reader("s", {kFirst}, positions);
  CHECK_THROWS_AS(reader->poll(std::chrono::milliseconds{0}), Unreadable);
  CHECK_FALSE(reader->caught_up(kFirst));
  // What is made now has nothing to do with it.
  log->create("t", 1);
  append_numbered(*writer, "t", kFirst, 0, 1);
}

TEST_CASE("damage in the write-ahead log takes the records that lie there, and shows by offsets") {
  TempDir dir;
  {
    const auto log = EmbeddedLog::open(dir.path(), {});  // so that its tables stay empty
    log->create("s", 3);
    const auto writer = log->writer();
    for (int i = 0; i < 10; ++i) append_large(*writer, kFirst, i * 100, 100);
    for (int i = 0; i < 10; ++i) append_large(*writer, kSecond, 10'000 + i * 100, 100);
  }
  flip_record(dir.path(), ".log", 350);
  for (int start = 0; start < 2; ++start) {
    const auto log = EmbeddedLog::open(dir.path(), small());
    const Reading reading = read_all(*log, {kFirst, kSecond, Partition{2}});
    CHECK(reading.numbers.at(kSecond).size() == kRecords);
    CHECK(ascend_from(reading.numbers.at(kFirst), 0, 300));
    CHECK_THAT(reading.told.at(kFirst), Catch::Contains("[300, 400)"));
    CHECK(reading.told.size() == 1);
  }
  CHECK(files(dir.path() / "damaged", ".log").size() == 1);
  const auto log = EmbeddedLog::open(dir.path(), small());
  CHECK_THAT(log->gaps_advice(), Catch::Contains("missing in the middle of the log"));
  std::filesystem::remove(dir.path() / "GAPS");
  CHECK(log->gaps_advice().empty());
  append_large(*log->writer(), kFirst, kRecords, 1);
  append_large(*log->writer(), Partition{2}, 0, 1);
}

TEST_CASE(
    "damage at the end of the write-ahead log: what it took cannot be told, and is not "
    "overwritten") {
  TempDir dir;
  {
    const auto log = EmbeddedLog::open(dir.path(), {});  // so that its tables stay empty
    log->create("s", 2);
    append_large(*log->writer(), kFirst, 0, 100);
    append_large(*log->writer(), kSecond, 10'000, 100);
  }
  SECTION("its bytes") { flip_record(dir.path(), ".log", 10'050); }
  SECTION("its length") {
    const auto wal = files(dir.path(), ".log").back();
    flip(wal, bytes_of(wal).rfind(large_value(10'099).substr(0, 40)) / 32'768 * 32'768 + 5);
  }
  for (int start = 0; start < 2; ++start) {
    const auto log = EmbeddedLog::open(dir.path(), small());
    CHECK(log->range("s", kFirst).end == Offset{100});
    std::vector<NewRecord> records{{kFirst, "k", "v"}, {kSecond, "k", "v"}};
    log->writer()->try_append("s", records);
    CHECK((records[0].failure && records[1].failure));
    const Reading reading = read_all(*log, {kFirst, kSecond});
    CHECK(reading.numbers.at(kFirst).size() == 100);
    CHECK_THAT(reading.told.at(kSecond),
               Catch::Contains(".log at byte") && Catch::Contains("may be lost") &&
                   Catch::Contains("delete " + (dir.path() / "DAMAGED").string()));
    // A stream that is made now has lost nothing.
    log->create("t" + std::to_string(start), 1);
    append_numbered(*log->writer(), "t" + std::to_string(start), kFirst, 0, 1);
  }
  std::filesystem::remove(dir.path() / "DAMAGED");
  const auto log = EmbeddedLog::open(dir.path(), small());
  append_large(*log->writer(), kSecond, 0, 1);
}

TEST_CASE("a write-ahead log that was cut short has lost nothing that was acknowledged") {
  TempDir dir;
  {
    const auto log = EmbeddedLog::open(dir.path(), small());
    log->create("s", 1);
    for (int i = 0; i < 50; ++i) append_large(*log->writer(), kFirst, i, 1);
  }
  const auto wal = files(dir.path(), ".log").back();
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) - GENERATE(1, 300, 600));
  const auto log = EmbeddedLog::open(dir.path(), small());
  CHECK(log->range("s", kFirst).end.value >= 48);
  append_large(*log->writer(), kFirst, 0, 1);
  CHECK_FALSE(std::filesystem::exists(dir.path() / "damaged"));
}

TEST_CASE("a log of which nothing can be told answers so, for who asks and appends") {
  Stored stored;
  SECTION("its MANIFEST is damaged") {
    for (const auto& entry : std::filesystem::directory_iterator(stored.folder())) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("MANIFEST")) flip(entry.path(), 20);
    }
  }
  SECTION("its MANIFEST lacks its end") {
    stored.move_into_tables();
    for (const auto& entry : std::filesystem::directory_iterator(stored.folder())) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("MANIFEST")) continue;
      std::filesystem::resize_file(entry.path(), std::filesystem::file_size(entry.path()) / 2);
    }
  }
  SECTION("its CURRENT is gone") {
    stored.move_into_tables();
    std::filesystem::remove(stored.folder() / "CURRENT");
  }
  const auto tables = files(stored.folder(), ".sst");
  const auto log = EmbeddedLog::open(stored.folder(), small());
  CHECK_THROWS_WITH(log->partitions("s"), Catch::Contains("restore " + stored.folder().string()));
  CHECK_THROWS_AS(log->create("s", 2), Corrupt);
  CHECK_THROWS_AS(append_large(*log->writer(), kFirst, 0, 1), Corrupt);
  CHECK(files(stored.folder(), ".sst") == tables);
}

TEST_CASE("merges that meet damage end, and appends go on without bound") {
  TempDir dir;
  {
    const auto log = EmbeddedLog::open(dir.path(), small());
    log->create("s", 2);
    append_large(*log->writer(), kFirst, 0, 100);
  }
  { const auto settled = EmbeddedLog::open(dir.path(), small()); }
  flip_record(dir.path(), ".sst", 50);
  const auto log = EmbeddedLog::open(dir.path(), {.bytes = 1 << 20});  // memtables of 1 MiB
  const auto writer = log->writer();
  // Far more files than those at which RocksDB stops all writes until they are merged.
  for (int i = 0; i < 60; ++i) append_large(*writer, kSecond, 10'000 + i * 2200, 2200);
  CHECK(log->range("s", kSecond).end == Offset{60 * 2200});
  const Reading reading = read_all(*log, {kFirst, kSecond});
  CHECK(reading.numbers.at(kSecond).size() == 60 * 2200);
  CHECK(reading.told.contains(kFirst));
}

}  // namespace sluice::testing

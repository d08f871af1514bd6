#include "storage/embedded/embedded_log.h"

#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>

#include "storage/base/errors.h"
#include "tests/contract/event_log_contract.h"
#include "tests/contract/log_reading.h"
#include "tests/contract/victim.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

EmbeddedLog::Config small() { return {.bytes = 8 << 20}; }

std::vector<Partition> all_partitions(LogTopology& log, std::string_view stream) {
  std::vector<Partition> all;
  const std::optional<int> count = log.partitions(stream);
  REQUIRE(count);
  for (int i = 0; i < *count; ++i) all.push_back(Partition{i});
  return all;
}

class EmbeddedLogUnderTest final : public LogUnderTest {
 public:
  LogTopology& topology() override { return *log_; }
  std::unique_ptr<EventWriter> writer() override { return log_->writer(); }
  std::unique_ptr<EventReader> reader(std::string_view stream, Ownership& ownership) override {
    return log_->reader(stream, all_partitions(*log_, stream), ownership);
  }
  void reopen() override {
    log_.reset();
    log_ = EmbeddedLog::open(dir_.path(), small());
  }
  const std::filesystem::path& folder() const { return dir_.path(); }

 private:
  TempDir dir_;
  std::unique_ptr<EmbeddedLog> log_ = EmbeddedLog::open(dir_.path(), small());
};

// Appended to by this process, read by a secondary as another process would.
class FollowedLogUnderTest final : public LogUnderTest {
 public:
  LogTopology& topology() override { return log_.topology(); }
  std::unique_ptr<EventWriter> writer() override { return log_.writer(); }
  std::unique_ptr<EventReader> reader(std::string_view stream, Ownership& ownership) override {
    return secondary_->reader(stream, all_partitions(*secondary_, stream), ownership);
  }
  void reopen() override {
    secondary_.reset();
    log_.reopen();
    secondary_ = EmbeddedLog::open_secondary(log_.folder(), small());
  }

 private:
  EmbeddedLogUnderTest log_;
  std::unique_ptr<EmbeddedLog> secondary_ = EmbeddedLog::open_secondary(log_.folder(), small());
};

// While it lives no file of this process grows beyond `bytes`: a full disk, as far as it goes.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit full{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("the embedded log keeps the contract") {
  event_log_contract([] { return std::make_unique<EmbeddedLogUnderTest>(); });
}

TEST_CASE("a secondary that follows the embedded log reads by the contract") {
  event_log_contract([] { return std::make_unique<FollowedLogUnderTest>(); });
}

TEST_CASE("an acknowledged append is read back after kill -9") {
  TempDir dir;
  Offset before[kVictimPartitions] = {};
  for (int round = 0; round < 10; ++round) {
    const auto reports = reported_until_killed({"append", dir.path().string(), "s"});
    const auto log = EmbeddedLog::open(dir.path(), small());
    std::size_t count = 0;
    for (const Partition partition : all_partitions(*log, "s")) {
      const LogRange range = log->range("s", partition);
      Offset& acknowledged = before[partition.value];
      for (const int report : reports) {
        if (report % kVictimPartitions != partition.value) continue;
        acknowledged = std::max(acknowledged, Offset{report / kVictimPartitions}.next());
      }
      CHECK(range.end >= acknowledged);
      acknowledged = range.end;
      count += static_cast<std::size_t>(range.end.value);
    }
    Positions positions;
    const auto reader = log->reader("s", all_partitions(*log, "s"), positions);
    for (const TakenRecord& r : take(*reader, positions, count)) {
      REQUIRE(r.key == "key");
      REQUIRE(r.value == "value");
    }
  }
}

TEST_CASE("a full disk refuses appends and loses none; freed, the log goes on by itself") {
  TempDir dir;
  const auto log = EmbeddedLog::open(dir.path(), small());
  log->create("s", 1);
  const auto writer = log->writer();
  std::vector<std::string> kept = numbers(0, 10);
  append_numbered(*writer, "s", Partition{0}, 0, 10);
  const std::string value(10'000, 'x');
  std::vector<NewRecord> records(100, NewRecord{Partition{0}, "k", value});
  {
    const FullDisk full(200'000);
    CHECK_THROWS_AS(writer->append("s", records), Retryable);
    CHECK_THROWS_AS(writer->append("s", records), Retryable);
    CHECK(log->range("s", Partition{0}).end == Offset{10});
  }
  {
    // Nobody appends: who reads has it opened again.
    Positions first;
    CHECK(take(*log->reader("s", {Partition{0}}, first), first, 10).size() == 10);
  }
  append_numbered(*writer, "s", Partition{0}, 10, 5);
  Positions positions;
  const auto reader = log->reader("s", {Partition{0}}, positions);
  const Taken taken =
      take(*reader, positions, static_cast<std::size_t>(log->range("s", Partition{0}).end.value));
  std::vector<std::string> small_values;
  for (const TakenRecord& r : taken) {
    if (r.value.size() < 10) small_values.push_back(r.value);
  }
  CHECK(small_values == numbers(0, 15));
}

// A log with clocks that only move when told to.
struct Clocked {
  std::vector<std::int64_t> seconds() {
    const auto end = static_cast<std::size_t>(log->range("s", Partition{0}).end.value);
    Positions positions;
    const auto reader = log->reader("s", {Partition{0}}, positions);
    std::vector<std::int64_t> stamps;
    for (const TakenRecord& r : take(*reader, positions, end)) {
      stamps.push_back(r.appended_at.time_since_epoch().count() / 1000);
    }
    return stamps;
  }
  void open() {
    log.reset();
    log = EmbeddedLog::open(
        dir.path(), {.clock = [this] { return Time{wall}; }, .steady = [this] { return steady; }});
    log->create("s", 1);
  }
  // The wall clock jumps, then both go on.
  void append(std::chrono::seconds jump, std::chrono::seconds pass) {
    wall += jump + pass;
    steady += pass;
    append_numbered(*log->writer(), "s", Partition{0}, 0, 1);
  }

  TempDir dir;
  std::chrono::milliseconds wall{100'000};
  std::chrono::milliseconds steady{0};
  std::unique_ptr<EmbeddedLog> log;
};

TEST_CASE("records of a partition are stamped in order, whatever the clock does") {
  using std::chrono::seconds;
  Clocked clocked;
  clocked.open();
  clocked.append(seconds(0), seconds(0));
  clocked.append(seconds(-50), seconds(0));
  clocked.open();
  clocked.append(seconds(0), seconds(20));  // at 70
  clocked.append(seconds(0), seconds(50));
  CHECK(clocked.seconds() == std::vector<std::int64_t>{100, 100, 100, 120});
}

TEST_CASE("a wall clock that jumps ahead moves no stamp, and is told until it is right again") {
  using std::chrono::seconds;
  Clocked clocked;
  clocked.open();
  clocked.append(seconds(0), seconds(10));
  CHECK(clocked.log->clock().advice().empty());
  clocked.append(seconds(7200), seconds(10));
  clocked.append(seconds(0), seconds(100));
  CHECK_THAT(clocked.log->clock().advice(), Catch::Contains("7200 s ahead"));
  clocked.append(seconds(-7200), seconds(10));
  CHECK(clocked.log->clock().advice().empty());
  CHECK(clocked.seconds() == std::vector<std::int64_t>{110, 120, 220, 230});
}

TEST_CASE("a position beyond the end is told once; the other partitions go on") {
  TempDir dir;
  const auto log = EmbeddedLog::open(dir.path(), small());
  log->create("s", 2);
  const auto writer = log->writer();
  append_numbered(*writer, "s", Partition{0}, 0, 3);
  append_numbered(*writer, "s", Partition{1}, 0, 3);
  Positions positions;
  positions.begin[Partition{0}] = Offset{4};
  const auto reader = log->reader("s", {Partition{0}, Partition{1}}, positions);
  CHECK_THROWS_AS(reader->poll({}), Corrupt);
  CHECK(values_of(take(*reader, positions, 3), Partition{1}) == numbers(0, 3));
  CHECK(reader->poll({}).empty());
  reader->seek(Partition{0}, Offset{2});
  CHECK(values_of(take(*reader, positions, 1), Partition{0}) == numbers(2, 1));
}

TEST_CASE("a log has one owner, and any number that look into it") {
  TempDir dir;
  CHECK_THROWS_AS(EmbeddedLog::open_secondary(dir.path() / "nothing", small()), Misconfigured);
  const auto log = EmbeddedLog::open(dir.path(), small());
  CHECK_THROWS_AS(EmbeddedLog::open(dir.path(), small()), Misconfigured);
  const auto one = EmbeddedLog::open_secondary(dir.path(), small());
  const auto other = EmbeddedLog::open_secondary(dir.path(), small());
  CHECK_THROWS_AS(one->create("s", 1), Misconfigured);
  CHECK_THROWS_AS(one->writer(), Misconfigured);
  log->create("s", 1);
  append_numbered(*log->writer(), "s", Partition{0}, 0, 2);
  for (const auto* secondary : {&one, &other}) {
    CHECK((*secondary)->partitions("s") == 1);
    CHECK((*secondary)->range("s", Partition{0}) == LogRange{Offset{0}, Offset{2}});
  }
}

TEST_CASE("each embedded log has an identity of its own, which who looks into it sees") {
  TempDir one;
  TempDir other;
  const auto log = EmbeddedLog::open(one.path(), small());
  log->create("s", 2);
  const auto identity = log->identity("s", Partition{0});
  REQUIRE(identity);
  CHECK(log->name() == identity->text);
  CHECK(log->identity("s", Partition{1}) == identity);
  CHECK(EmbeddedLog::open_secondary(one.path(), small())->identity("s", Partition{1}) == identity);
  CHECK(EmbeddedLog::open(other.path(), small())->name() != log->name());
}

TEST_CASE("a secondary follows the log through flushes and merges") {
  TempDir dir;
  const auto log = EmbeddedLog::open(dir.path(), {.bytes = 1 << 20});  // memtables of 1 MiB
  log->create("s", 2);
  const auto secondary = EmbeddedLog::open_secondary(dir.path(), small());
  Positions positions;
  const auto reader = secondary->reader("s", {Partition{0}, Partition{1}}, positions);
  const auto writer = log->writer();
  const std::string value(5'000, 'v');
  for (int round = 0; round < 60; ++round) {
    std::vector<NewRecord> records(100, NewRecord{Partition{round % 2}, "k", value});
    writer->append("s", records);
    CHECK(take(*reader, positions, 100).size() == 100);
  }
}

TEST_CASE("a secondary sees every record that was appended, also while a memtable is flushed") {
  TempDir dir;
  const auto log = EmbeddedLog::open(dir.path(), {.bytes = 1 << 20});  // memtables of 1 MiB
  const auto secondary = EmbeddedLog::open_secondary(dir.path(), small());
  const auto writer = log->writer();
  const std::string value(5'000, 'v');
  for (int round = 0; round < 200; ++round) {
    const std::string stream = "s" + std::to_string(round);
    log->create(stream, 1);
    std::vector<NewRecord> records(250, NewRecord{Partition{0}, "k", value});
    writer->append(stream, records);                       // fills a memtable
    append_numbered(*writer, stream, Partition{0}, 0, 1);  // has it flushed, at the same time
    REQUIRE(secondary->partitions(stream) == 1);
    REQUIRE(secondary->range(stream, Partition{0}).end == Offset{251});
    Positions positions;
    const auto reader = secondary->reader(stream, {Partition{0}}, positions);
    REQUIRE(take(*reader, positions, 251).size() == 251);
  }
}

}  // namespace sluice::testing

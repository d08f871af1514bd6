// Copies of the embedded log, made while it is appended to.

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "storage/base/errors.h"
#include "storage/embedded/embedded_log.h"
#include "tests/contract/event_log_contract.h"
#include "tests/contract/log_reading.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

namespace fs = std::filesystem;

EmbeddedLog::Config small() { return {.bytes = 1 << 20}; }  // memtables of 1 MiB

std::int64_t end_of(EmbeddedLog& log) { return log.range("s", Partition{0}).end.value; }

}  // namespace

TEST_CASE(
    "a backup has all that was acknowledged before it, in order, and nothing of what came later") {
  const TempDir dir;
  const auto log = EmbeddedLog::open(dir.path() / "log", small());
  log->create("s", 2);
  std::atomic<int> appended = 0;
  const std::string value(1'000, 'v');
  std::jthread appending([&](const std::stop_token& stop) {
    const auto writer = log->writer();
    for (int i = 0; !stop.stop_requested(); ++i) {
      const std::string key = std::to_string(i);
      std::vector<NewRecord> records(20, NewRecord{Partition{0}, key, value});
      writer->append("s", records);
      appended = i + 1;
    }
  });
  for (int round = 0; round < 8; ++round) {
    while (appended < (round + 1) * 50) std::this_thread::yield();
    const std::int64_t before = end_of(*log);
    const fs::path folder = dir.path() / std::to_string(round);
    log->back_up(folder);
    const std::int64_t after = end_of(*log);
    const auto copy = EmbeddedLog::open(folder, small());
    CHECK(copy->name() == log->name());
    CHECK(copy->partitions("s") == 2);
    const std::int64_t end = end_of(*copy);
    CHECK(end >= before);
    // What is written and not yet acknowledged may be in it.
    CHECK(end <= after + 20);
    Positions positions;
    const auto reader = copy->reader("s", {Partition{0}}, positions);
    std::int64_t expected = 0;
    for (const TakenRecord& record : take(*reader, positions, static_cast<std::size_t>(end))) {
      REQUIRE(record.key == std::to_string(expected++ / 20));
    }
    CHECK(expected == end);
    // It is a log of its own from here on.
    copy->create("t", 1);
    append_numbered(*copy->writer(), "t", Partition{0}, 0, 3);
  }
  appending.request_stop();
  appending.join();
  CHECK_FALSE(log->partitions("t"));
}

TEST_CASE("a backup that cannot be made leaves nothing, and what is there is not touched") {
  const TempDir dir;
  const auto log = EmbeddedLog::open(dir.path() / "log", small());
  log->create("s", 1);
  append_numbered(*log->writer(), "s", Partition{0}, 0, 3);
  fs::create_directory(dir.path() / "taken");
  std::ofstream(dir.path() / "taken" / "file") << "mine";
  for (const char* folder : {"taken", "taken/file/below", "none/below"}) {
    CHECK_THROWS_AS(log->back_up(dir.path() / folder), Error);
  }
  CHECK(fs::exists(dir.path() / "taken" / "file"));
  CHECK_FALSE(fs::exists(dir.path() / "taken.new"));
  const auto secondary = EmbeddedLog::open_secondary(dir.path() / "log", small());
  CHECK_THROWS_AS(secondary->back_up(dir.path() / "other"), Misconfigured);
  append_numbered(*log->writer(), "s", Partition{0}, 3, 3);
  CHECK(end_of(*log) == 6);
}

}  // namespace sluice::testing

#include "storage/memory/memory_log.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>

#include "storage/base/errors.h"
#include "tests/contract/event_log_contract.h"
#include "tests/contract/log_reading.h"

namespace sluice::testing {
namespace {

class MemoryLogUnderTest final : public LogUnderTest {
 public:
  LogTopology& topology() override { return log_; }
  std::unique_ptr<EventWriter> writer() override { return log_.writer(); }
  std::unique_ptr<EventReader> reader(std::string_view stream, Ownership& ownership) override {
    MemoryAssignment& all = assignments_.emplace_back();
    for (int i = 0; i < log_.partitions(stream); ++i) all.partitions.push_back(Partition{i});
    return log_.reader(stream, all, ownership);
  }
  bool leave_out_offsets(std::string_view stream, Partition partition) override {
    log_.skip_offsets(stream, partition, 3);
    return true;
  }
  void reopen() override {}

 private:
  MemoryLog log_{[] { return Time{std::chrono::seconds(1)}; }};
  std::deque<MemoryAssignment> assignments_;
};

struct Fixture {
  Fixture() {
    log.create("s", 2);
    writer = log.writer();
    reader = log.reader("s", assigned, positions);
    assigned.partitions = {Partition{0}, Partition{1}};
  }

  Time now{std::chrono::seconds(1)};
  MemoryLog log{[this] { return now; }};
  MemoryAssignment assigned;
  Positions positions;
  std::unique_ptr<EventWriter> writer;
  std::unique_ptr<EventReader> reader;
};

}  // namespace

TEST_CASE("the log in memory keeps the contract") {
  event_log_contract([] { return std::make_unique<MemoryLogUnderTest>(); });
}

TEST_CASE("partitions move between readers, which notice when they are polled") {
  Fixture f;
  append_numbered(*f.writer, "s", Partition{0}, 0, 4);
  take(*f.reader, f.positions, 4);
  f.assigned.partitions = {Partition{1}};

  MemoryAssignment other_assigned{{Partition{0}}};
  Positions other_positions;
  const auto other = f.log.reader("s", other_assigned, other_positions);
  CHECK(take(*other, other_positions, 4).size() == 4);
  // Both have it until the first one is polled.
  CHECK(f.positions.lost_partitions.empty());
  CHECK(f.reader->end(Partition{0}) == Offset{4});
  append_numbered(*f.writer, "s", Partition{1}, 0, 1);
  CHECK(values_of(take(*f.reader, f.positions, 1), Partition{1}) == numbers(0, 1));
  CHECK(f.positions.lost_partitions == std::vector{Partition{0}});
}

TEST_CASE("a partition whose position fell out of its range is told once; the others go on") {
  Fixture f;
  append_numbered(*f.writer, "s", Partition{0}, 0, 10);
  append_numbered(*f.writer, "s", Partition{1}, 0, 10);
  take(*f.reader, f.positions, 20);

  SECTION("when the log lost its tail") { f.log.lose_tail("s", Partition{0}, 3); }
  SECTION("when retention has passed it") {
    append_numbered(*f.writer, "s", Partition{0}, 10, 5);
    f.log.lose_front("s", Partition{0}, Offset{12});
  }
  SECTION("when the stream was made again") {
    f.log.recreate("s");
    f.reader->seek(Partition{1}, Offset{0});
    append_numbered(*f.writer, "s", Partition{1}, 0, 10);
    take(*f.reader, f.positions, 10);
  }
  append_numbered(*f.writer, "s", Partition{1}, 10, 1);
  Taken taken;
  int told = 0;
  for (int i = 0; i < 10; ++i) {
    try {
      for (const LogRecord& r : f.reader->poll({})) {
        CHECK(r.partition == Partition{1});
        CHECK(r.offset == Offset{10});
      }
    } catch (const Corrupt&) {
      ++told;
    }
  }
  CHECK(told == 1);
  f.reader->seek(Partition{0}, f.log.range("s", Partition{0}).begin);
  append_numbered(*f.writer, "s", Partition{0}, 50, 1);
  bool read_again = false;
  for (const LogRecord& r : f.reader->poll({})) read_again |= r.value == "50";
  CHECK(read_again);
}

TEST_CASE("a stream that was made anew has another identity, and none while it is empty") {
  Fixture f;
  CHECK_FALSE(f.log.identity("s", Partition{0}));
  append_numbered(*f.writer, "s", Partition{0}, 0, 3);
  const auto before = f.log.identity("s", Partition{0});
  REQUIRE(before);
  f.log.recreate("s");
  CHECK_FALSE(f.log.identity("s", Partition{0}));
  append_numbered(*f.writer, "s", Partition{0}, 0, 3);
  const auto after = f.log.identity("s", Partition{0});
  REQUIRE(after);
  CHECK(after != before);
  f.log.lose_front("s", Partition{0}, Offset{1});
  CHECK_FALSE(f.log.identity("s", Partition{0}));
}

TEST_CASE("lost offsets are given out again, repeated records get new ones") {
  Fixture f;
  append_numbered(*f.writer, "s", Partition{0}, 0, 5);
  f.log.lose_tail("s", Partition{0}, 2);
  CHECK(append_numbered(*f.writer, "s", Partition{0}, 70, 1) == offsets(3, 1));
  f.log.repeat_tail("s", Partition{0}, 2);
  CHECK(values_of(take(*f.reader, f.positions, 6), Partition{0}) ==
        std::vector<std::string>{"0", "1", "2", "70", "2", "70"});
}

TEST_CASE("offsets may leave some out; the position is what comes next") {
  Fixture f;
  append_numbered(*f.writer, "s", Partition{0}, 0, 2);
  f.log.skip_offsets("s", Partition{0}, 5);
  CHECK(append_numbered(*f.writer, "s", Partition{0}, 2, 1) == offsets(7, 1));
  std::vector<Offset> seen;
  for (const LogRecord& r : f.reader->poll({})) seen.push_back(r.offset);
  CHECK(seen == std::vector{Offset{0}, Offset{1}, Offset{7}});
  f.reader->seek(Partition{0}, Offset{4});
  CHECK(f.reader->poll({}).front().offset == Offset{7});
}

TEST_CASE("a failing append takes a prefix, and only once") {
  Fixture f;
  const auto kept = GENERATE(0, 2, 3, 99);
  f.log.fail_next_append(static_cast<std::size_t>(kept));
  CHECK_THROWS_AS(append_numbered(*f.writer, "s", Partition{0}, 0, 3), Retryable);
  CHECK(f.log.range("s", Partition{0}).end == Offset{std::min(kept, 3)});
  append_numbered(*f.writer, "s", Partition{0}, 3, 1);
  CHECK(f.log.range("s", Partition{0}).end == Offset{std::min(kept, 3) + 1});
}

TEST_CASE("while the log is away nothing answers; back, nothing is missing") {
  Fixture f;
  append_numbered(*f.writer, "s", Partition{0}, 0, 2);
  f.log.set_away(true);
  CHECK_THROWS_AS(f.reader->poll({}), Retryable);
  CHECK_THROWS_AS(f.log.range("s", Partition{0}), Retryable);
  CHECK_THROWS_AS(append_numbered(*f.writer, "s", Partition{0}, 2, 1), Retryable);
  f.log.set_away(false);
  CHECK(take(*f.reader, f.positions, 2).size() == 2);
}

TEST_CASE("a batch is bounded, records are stamped by the clock, and borrowing survives appends") {
  Fixture f;
  f.log.set_poll_records(3);
  const auto reader = f.log.reader("s", f.assigned, f.positions);
  append_numbered(*f.writer, "s", Partition{0}, 0, 2);
  f.now += std::chrono::seconds(5);
  append_numbered(*f.writer, "s", Partition{0}, 2, 2);
  const auto records = reader->poll({});
  append_numbered(*f.writer, "s", Partition{0}, 4, 1000);
  REQUIRE(records.size() == 3);
  CHECK(records[0].appended_at == Time{std::chrono::seconds(1)});
  CHECK(records[2].appended_at == Time{std::chrono::seconds(6)});
  CHECK(records[0].value == "0");
  CHECK(records[2].key == "key 2");
}

}  // namespace sluice::testing

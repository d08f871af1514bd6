// The worker of a quiet partition, step by step. What can happen in between is simulation_test's.

#include <catch2/catch.hpp>

#include "projectors/engine/run/following.h"
#include "projectors/engine/run/worker.h"
#include "storage/memory/memory_builder.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/ample_memory.h"
#include "tests/simulation/leader.h"
#include "tests/simulation/tally/projection.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr Partition kOnly{0};
constexpr milliseconds kRetention{10'000};
const std::string kStream = "tally.events";

Generation generation(bool live) {
  return {.projection = "tally",
          .number = 1,
          .unique_id = "g",
          .version = 1,
          .partitions = 1,
          .dedupe_horizon = milliseconds{1000},
          .quarantine_retention = kRetention,
          .live = live};
}

// A log, a view, and a worker whose clocks only move when told to.
class Quiet {
 public:
  explicit Quiet(bool live = true)
      : log_([this] { return wall; }), views(generation(live)), sink_(views) {
    if (!live) views.follow(leader_);
    log_.create(kStream, 1);
    log_.create("roster.events", 1);
    writer_ = log_.writer();
    assignment_.partitions = {kOnly};
    open();
  }

  // A member comes into the box now and stays so long.
  void add(milliseconds stay) {
    tally::Event event;
    event.mutable_member_added()->set_box_id("b");
    event.mutable_member_added()->set_member("m");
    event.mutable_member_added()->set_stay_ms(stay.count());
    Envelope envelope;
    envelope.set_id("e" + std::to_string(end()));
    envelope.set_key("b");
    envelope.set_recorded_at(wall.time_since_epoch().count());
    envelope.set_payload(event.SerializeAsString());
    append(envelope.SerializeAsString());
  }
  void append(const std::string& value) {
    NewRecord record{kOnly, "b", value};
    writer_->append(kStream, {&record, 1});
  }

  // Both clocks go on, and the worker takes turns.
  void live(milliseconds time) {
    constexpr milliseconds kTurn{20};
    for (milliseconds lived{0}; lived < time; lived += kTurn) {
      wall += kTurn;
      steady_ += kTurn;
      worker_->step(steady_, wall, milliseconds{0});
    }
  }

  [[nodiscard]] std::int64_t end() const { return log_.range(kStream, kOnly).end.value; }
  [[nodiscard]] int members() const {
    int found = 0;
    views.for_each_row<tally::Member>([&](const tally::Member&) { ++found; });
    return found;
  }
  void fail_append() { log_.fail_next_append(0); }
  // The next offsets are those of transaction markers.
  void mark(int offsets = 1) { log_.skip_offsets(kStream, kOnly, offsets); }
  [[nodiscard]] std::size_t records() const { return log_.records(kStream, kOnly).size(); }
  [[nodiscard]] std::int64_t lag() const {
    return views.log_end(kOnly).value - views.position(kOnly).position.value;
  }
  [[nodiscard]] std::int64_t flushed() const { return views.position(kOnly).position.value; }
  void lose_state(std::size_t batches) { state_.lose_newest(batches); }
  void replace_last_by_mark() {
    log_.lose_tail(kStream, kOnly, 1);
    mark();
  }
  void restart() {
    worker_.reset();
    open();
  }

 private:
  void open() {
    worker_ = std::make_unique<Worker>(
        projection_, WorkerConfig{},
        WorkerParts{
            .open_reader = [this](Ownership& o) { return log_.reader(kStream, assignment_, o); },
            .open_store = [this](Partition) { return std::make_unique<MemoryStateStore>(state_); },
            .topology = log_,
            .writer = *writer_,
            .sink = sink_,
            .probe = probe,
            .memory = memory_,
            .builder = &builder_});
  }

  mutable MemoryLog log_;

 public:
  Time wall{milliseconds{1'700'000'000'000}};
  MemoryViews views;
  Probe probe;

 private:
  RowMemory memory_ = ample_memory();
  const Projection projection_ = describe<Tally>("tally");
  const MemoryViews leader_ = far_ahead(generation(true));
  MemorySink sink_;
  MemoryBuilder builder_{sink_};
  MemoryState state_;
  MemoryAssignment assignment_;
  std::unique_ptr<EventWriter> writer_;
  Worker::Clock::time_point steady_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace

TEST_CASE("what is due on a quiet partition is readable within two seconds, by one tick each") {
  Quiet quiet;
  quiet.add(milliseconds{4000});  // warned after 2 s
  quiet.live(milliseconds{3000});
  CHECK(quiet.end() == 2);
  quiet.live(milliseconds{1000});
  CHECK(quiet.members() == 1);
  quiet.live(milliseconds{2000});
  CHECK(quiet.members() == 0);
  quiet.live(milliseconds{60'000});
  CHECK(quiet.end() == 3);
}

TEST_CASE("a generation that is not live does not tick") {
  Quiet quiet(false);
  quiet.add(milliseconds{1000});
  quiet.live(milliseconds{20'000});
  CHECK(quiet.end() == 1);
  CHECK(quiet.members() == 1);
}

TEST_CASE("a build moves on after each beat, whether or not the live one is looked at just then") {
  const MemoryViews leader = far_ahead(generation(true));
  MemoryViews views(generation(false));
  views.follow(leader);
  MemorySink sink(views);
  MemoryBuilder builder(sink);
  Following following({.interval = milliseconds{100}}, &builder);
  following.set_live(false);
  const Worker::Clock::time_point begin{std::chrono::hours(1)};
  following.look(begin, false);
  CHECK(following.builds());
  following.look(begin + milliseconds{40}, true);
  CHECK(following.builds());
  following.look(begin + milliseconds{110}, false);
  CHECK_FALSE(following.builds());
}

TEST_CASE("a tick that the log does not take is tried again") {
  Quiet quiet;
  quiet.add(milliseconds{1000});
  quiet.live(milliseconds{900});
  quiet.fail_append();
  quiet.live(milliseconds{5000});
  CHECK(quiet.probe.totals().retries == 1);
  CHECK(quiet.members() == 0);
  CHECK(quiet.probe.totals().stopped.empty());
}

TEST_CASE("traffic moves time, and then nobody ticks") {
  Quiet quiet;
  quiet.add(milliseconds{1000});
  for (int i = 0; i < 40; ++i) {
    quiet.live(milliseconds{100});
    quiet.add(milliseconds{1'000'000});
  }
  quiet.live(milliseconds{100});
  CHECK(quiet.end() == 41);
}

TEST_CASE("what no reader gets at the end of a partition stops no tick and counts as no lag") {
  Quiet quiet;
  quiet.mark();
  quiet.add(milliseconds{1000});
  quiet.mark(3);
  quiet.live(milliseconds{1000});
  CHECK(quiet.lag() == 0);
  quiet.live(milliseconds{1000});
  CHECK(quiet.members() == 0);
  quiet.mark();
  quiet.live(milliseconds{60'000});
  CHECK(quiet.records() == 3);  // it was warned of by one tick and left by another
  CHECK(quiet.lag() == 0);
}

TEST_CASE("a row is flushed at the flush interval though a marker is the last offset") {
  Quiet quiet;
  quiet.add(milliseconds{1'000'000});
  quiet.live(milliseconds{300});
  for (int i = 2; i < 6; ++i) {
    quiet.add(milliseconds{1'000'000});
    quiet.mark(50);
    quiet.live(milliseconds{300});
    CHECK(quiet.flushed() == quiet.end() - 50);
  }
}

TEST_CASE("a view whose last record lies between gaps is taken again where it was") {
  Quiet quiet;
  quiet.mark(2);
  quiet.add(milliseconds{1'000'000});
  quiet.mark(2);
  quiet.add(milliseconds{1'000'000});
  quiet.mark(2);
  quiet.live(milliseconds{1000});
  const auto where = quiet.flushed();
  SECTION("with its state") {}
  SECTION("with a state that is behind it") { quiet.lose_state(1); }
  SECTION("with no state") { quiet.lose_state(1000); }
  quiet.restart();
  quiet.live(milliseconds{1000});
  CHECK(quiet.flushed() == where);
  CHECK(quiet.probe.totals().stopped.empty());
  CHECK(quiet.lag() == 0);
  quiet.add(milliseconds{1'000'000});
  quiet.live(milliseconds{1000});
  CHECK(quiet.flushed() == quiet.end());
}

TEST_CASE("a view whose last record the log has replaced by what no reader gets is stopped") {
  Quiet quiet;
  quiet.add(milliseconds{1'000'000});
  quiet.add(milliseconds{1'000'000});
  quiet.live(milliseconds{1000});
  quiet.replace_last_by_mark();
  SECTION("with its state") {}
  SECTION("with no state") { quiet.lose_state(1000); }
  quiet.restart();
  quiet.live(milliseconds{10'000});
  REQUIRE(quiet.probe.totals().stopped.size() == 1);
  CHECK(quiet.views.trouble(kOnly).find("no record at 1") != std::string::npos);
}

TEST_CASE("bytes that nobody can read age out of a quiet partition, by one tick") {
  Quiet quiet;
  quiet.append("garbage");
  quiet.live(kRetention);
  CHECK(quiet.views.quarantined(kOnly).at(0).value == "garbage");
  quiet.live(milliseconds{2000});
  CHECK_FALSE(quiet.views.quarantined(kOnly).at(0).value);
  quiet.live(milliseconds{60'000});
  CHECK(quiet.end() == 2);
}

TEST_CASE("what comes after a long silence is kept as long as anything") {
  Quiet quiet;
  quiet.add(milliseconds{1000});
  quiet.live(10 * kRetention);
  quiet.append("garbage");
  quiet.live(kRetention);
  CHECK(quiet.views.quarantined(kOnly).at(0).value == "garbage");
}

}  // namespace sluice

// A worker whose log is not, or no longer, the one that its views were folded from.

#include <catch2/catch.hpp>

#include "projectors/engine/run/worker.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/ample_memory.h"
#include "tests/simulation/tally/projection.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr Partition kFirst{0};
const std::string kStream = "tally.events";

Generation generation() {
  return {.projection = "tally",
          .number = 1,
          .unique_id = "g",
          .version = 1,
          .partitions = 1,
          .dedupe_horizon = milliseconds{1000},
          .live = true};
}

constexpr const char* kWorker = "tally worker 0";

WorkerConfig config() {
  WorkerConfig config;
  config.name = kWorker;
  config.instance = "host:1:x/0";
  return config;
}

// A log of one partition, its view, and a worker that is made again by restart().
class Tallied {
 public:
  Tallied() : log([this] { return wall_; }), views(generation()), sink_(views) {
    log.create("roster.events", 1);
    make_stream(1);
  }

  void make_stream(int partitions) {
    log.create(kStream, partitions);
    assignment_.partitions.clear();
    for (int p = 0; p < partitions; ++p) assignment_.partitions.push_back(Partition{p});
  }
  void assign_added() {
    log.add_partition(kStream);
    assignment_.partitions.push_back(Partition{1});
  }
  // Each has an id of its own, so that no two logs are alike.
  void add(int members) {
    for (int i = 0; i < members; ++i) {
      tally::Event event;
      event.mutable_member_added()->set_box_id("b");
      event.mutable_member_added()->set_member("m");
      event.mutable_member_added()->set_stay_ms(1'000'000);
      Envelope envelope;
      envelope.set_id("e" + std::to_string(++added_));
      envelope.set_key("b");
      envelope.set_recorded_at(wall_.time_since_epoch().count());
      envelope.set_payload(event.SerializeAsString());
      const std::string value = envelope.SerializeAsString();
      NewRecord record{kFirst, "b", value};
      log.writer()->append(kStream, {&record, 1});
    }
  }
  void restart() {
    worker_.reset();
    worker_ = std::make_unique<Worker>(
        projection_, config(),
        WorkerParts{
            .open_reader = [this](Ownership& o) { return log.reader(kStream, assignment_, o); },
            .open_store = [this](Partition) { return std::make_unique<MemoryStateStore>(state_); },
            .topology = log,
            .writer = *writer_,
            .sink = sink_,
            .probe = probe,
            .memory = memory_,
            .wrong_log = [this] { return wrong; }});
  }
  void live(milliseconds time = milliseconds{3000}) {
    constexpr milliseconds kTurn{20};
    for (milliseconds lived{0}; lived < time; lived += kTurn) {
      wall_ += kTurn;
      steady_ += kTurn;
      worker_->step(steady_, wall_, milliseconds{0});
    }
  }
  void stop() {
    worker_->close();
    worker_.reset();
  }
  void lose_state() { state_ = MemoryState(); }

  [[nodiscard]] std::int64_t position() const { return views.position(kFirst).position.value; }
  // As told by its owner, or by the process that cannot claim it.
  [[nodiscard]] std::string trouble() const {
    return views.trouble(kFirst) + views.contender(kFirst);
  }
  [[nodiscard]] std::string worker_trouble() const {
    const auto stopped = probe.totals().stopped;
    const auto found = stopped.find(kWorker);
    return found == stopped.end() ? "" : found->second;
  }

 private:
  Time wall_{milliseconds{1'700'000'000'000}};

 public:
  MemoryLog log;
  MemoryViews views;
  Probe probe;
  std::optional<std::string> wrong;

 private:
  RowMemory memory_ = ample_memory();
  const Projection projection_ = describe<Tally>("tally");
  MemorySink sink_;
  MemoryState state_;
  MemoryAssignment assignment_;
  std::unique_ptr<EventWriter> writer_ = log.writer();
  Worker::Clock::time_point steady_;
  std::unique_ptr<Worker> worker_;
  int added_ = 0;
};

}  // namespace

TEST_CASE("the first flush says on which log the view stands") {
  Tallied tallied;
  tallied.restart();
  tallied.live();
  CHECK_FALSE(tallied.views.position(kFirst).log);
  tallied.add(2);
  tallied.live();
  CHECK(tallied.position() == 2);
  CHECK(tallied.views.position(kFirst).log == tallied.log.identity(kStream, kFirst));
  CHECK(tallied.views.position(kFirst).log);
}

TEST_CASE("a log that was made anew and has grown past the view is not folded") {
  Tallied tallied;
  tallied.add(3);
  tallied.restart();
  tallied.live();
  REQUIRE(tallied.position() == 3);
  const auto stands_on = tallied.views.position(kFirst).log;
  tallied.stop();
  tallied.log.recreate(kStream);
  tallied.add(5);
  tallied.restart();
  tallied.live();
  CHECK(tallied.position() == 3);
  CHECK(tallied.views.position(kFirst).log == stands_on);
  CHECK_THAT(tallied.trouble(), Catch::Contains("stands on the log") &&
                                    Catch::Contains(std::string(stands_on->short_form())) &&
                                    Catch::Contains("made anew"));
}

// An embedded log has no topic.
TEST_CASE("whatever a log has lost, the ways out are named, and none is for a topic alone") {
  Tallied tallied;
  tallied.add(5);
  tallied.restart();
  tallied.live();
  REQUIRE(tallied.position() == 5);
  tallied.stop();
  std::string found;
  SECTION("its tail") {
    tallied.log.lose_tail(kStream, kFirst, 2);
    found = "the log ends at 3 and the view was folded up to 5";
  }
  SECTION("its tail, and it grew again") {
    tallied.log.lose_tail(kStream, kFirst, 2);
    tallied.add(3);
    found = "the record at 4 is not the one that was folded";
  }
  SECTION("its tail, and it grew again, and the state is lost with it") {
    tallied.log.lose_tail(kStream, kFirst, 2);
    tallied.add(3);
    tallied.lose_state();
    found = "replaying the log up to 5 ends with another record";
  }
  SECTION("all, and it grew again") {
    tallied.log.recreate(kStream);
    tallied.add(6);
    found = "the view stands on the log";
  }
  tallied.restart();
  tallied.live();
  CHECK(tallied.position() == 5);
  CHECK_THAT(tallied.trouble(),
             Catch::Contains(found) && Catch::Contains("Restore ") &&
                 Catch::Contains("`sluice schema apply --refold tally` fold anew") &&
                 !Catch::Contains("topic"));
}

TEST_CASE("a stream that is gone while nothing ran is missed; views wait for it") {
  Tallied tallied;
  tallied.add(3);
  tallied.restart();
  tallied.live();
  tallied.stop();
  tallied.log.remove(kStream);
  tallied.restart();
  tallied.live();
  CHECK_THAT(tallied.worker_trouble(), Catch::Contains("tally.events is gone: restore it"));
  CHECK_THAT(tallied.trouble(), Catch::Contains("tally.events is gone: restore it"));
  tallied.make_stream(1);
  tallied.live(milliseconds{12'000});
  CHECK(tallied.worker_trouble().empty());
  CHECK_THAT(tallied.trouble(), Catch::Contains("the log ends at 0"));
  CHECK(tallied.position() == 3);
}

TEST_CASE("without views a stream that was never made is what an operator must make") {
  Tallied tallied;
  tallied.log.remove(kStream);
  tallied.restart();
  CHECK_THROWS_AS(tallied.live(), Misconfigured);
}

TEST_CASE("partitions that were added stop the projection, which says so, and nothing else") {
  Tallied tallied;
  tallied.add(3);
  tallied.restart();
  tallied.live();
  REQUIRE(tallied.position() == 3);
  const auto stopped = [&] {
    tallied.add(2);
    tallied.live();
    CHECK(tallied.position() == 3);
    CHECK_THAT(tallied.trouble(),
               Catch::Contains("has 2 partitions") && Catch::Contains("were made for 1"));
    CHECK(tallied.views.position(Partition{1}).owner.empty());
  };
  SECTION("while it runs") {
    tallied.assign_added();
    stopped();
  }
  SECTION("while it did not run") {
    tallied.stop();
    tallied.assign_added();
    tallied.restart();
    stopped();
  }
}

TEST_CASE("who has found that the log is another stops what is folded of it") {
  Tallied tallied;
  tallied.add(3);
  tallied.restart();
  tallied.live();
  tallied.wrong = "tally.events was made anew";
  tallied.live();
  tallied.add(1);
  tallied.live();
  CHECK(tallied.position() == 3);
  CHECK(tallied.views.trouble(kFirst) == "tally.events was made anew");
  tallied.wrong.reset();
  tallied.live();
  CHECK(tallied.position() == 4);
  CHECK(tallied.trouble().empty());
}

TEST_CASE("a transaction that nobody ends is told of, and is over when it ends") {
  Tallied tallied;
  tallied.add(2);
  tallied.restart();
  tallied.live();
  tallied.log.hold_back(kStream, kFirst, Offset{2});
  tallied.add(2);
  tallied.live(milliseconds{2000});
  CHECK(tallied.trouble().empty());
  tallied.live(milliseconds{4000});
  CHECK(tallied.position() == 2);
  CHECK_THAT(tallied.trouble(), Catch::Contains("still open, holds back the records from 2 to 4"));
  tallied.log.hold_back(kStream, kFirst, std::nullopt);
  tallied.live();
  CHECK(tallied.position() == 4);
  CHECK(tallied.trouble().empty());
  CHECK(tallied.probe.totals().stopped.empty());
}

TEST_CASE("transactions that end, while others begin behind them, are no trouble") {
  Tallied tallied;
  tallied.add(2);
  tallied.restart();
  tallied.live();
  for (std::int64_t open_from = 2; open_from < 12; ++open_from) {
    tallied.log.hold_back(kStream, kFirst, Offset{open_from});
    tallied.add(1);
    tallied.live(milliseconds{1000});
    CHECK(tallied.position() == open_from);
    CHECK(tallied.trouble().empty());
  }
}

TEST_CASE("a partition that was stopped goes on once its view is set back") {
  Tallied tallied;
  tallied.restart();
  tallied.live();
  const MemoryViews empty = tallied.views;
  tallied.add(5);
  tallied.live();
  REQUIRE(tallied.position() == 5);
  tallied.stop();
  tallied.log.recreate(kStream);
  tallied.restart();
  tallied.live();
  REQUIRE_THAT(tallied.trouble(), Catch::Contains("the log ends at 0"));
  tallied.add(2);
  tallied.live();
  REQUIRE(tallied.position() == 5);
  tallied.views = empty;
  tallied.live();
  CHECK(tallied.position() == 2);
  CHECK(tallied.trouble().empty());
}

}  // namespace sluice

// Workers whose partitions are quiet while their view is moved, taken or lost: what only the beat
// can tell them, with clocks that move when told to.

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>
#include <map>
#include <sstream>

#include "projectors/engine/computed/running_computation.h"
#include "projectors/engine/run/worker.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/ample_memory.h"
#include "tests/simulation/tally/projection.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr Partition kOnly{0};
constexpr milliseconds kBeats{2500};  // two, and what they bring about
const std::string kStream = "tally.events";

Generation generation() {
  return {.projection = "tally",
          .number = 1,
          .unique_id = "g",
          .version = Tally::kVersion,
          .partitions = 1,
          .dedupe_horizon = milliseconds{1000},
          .live = true};
}

// A log and a view, and processes that were all given its only partition.
class Shared {
 public:
  struct Process {
    Process(MemoryViews& views, ComputationClocks clocks)
        : sink(views), computations({.interval_min = milliseconds{1}}, {}, std::move(clocks)) {}

    MemorySink sink;
    Probe probe;
    Computations computations;
    MemoryState state;
    std::unique_ptr<Worker> worker;
  };

  Shared() : log_([this] { return wall; }), views(generation(), [this] { return steady_; }) {
    log_.create(kStream, 1);
    log_.create("roster.events", 1);
    writer_ = log_.writer();
    assignment_.partitions = {kOnly};
  }

  Process& start(const std::string& host) {
    auto& process = processes_.emplace(host, nullptr).first->second;
    process = std::make_unique<Process>(
        views, ComputationClocks{[this] { return steady_; }, [this] { return wall; }});
    WorkerConfig config;
    config.name = "tally worker 0";
    config.instance = host + ":4711:x/0";
    process->worker = std::make_unique<Worker>(
        projection_, config,
        WorkerParts{
            .open_reader = [this](Ownership& o) { return log_.reader(kStream, assignment_, o); },
            .open_store = [&state = process->state](
                              Partition) { return std::make_unique<MemoryStateStore>(state); },
            .topology = log_,
            .writer = *writer_,
            .sink = process->sink,
            .probe = process->probe,
            .memory = memory_,
            .computations = &process->computations});
    return *process;
  }
  void end(const std::string& host) { processes_.erase(host); }

  void add(const std::string& box, const std::string& member, milliseconds stay = milliseconds{0}) {
    tally::Event event;
    event.mutable_member_added()->set_box_id(box);
    event.mutable_member_added()->set_member(member);
    if (stay.count() > 0) event.mutable_member_added()->set_stay_ms(stay.count());
    Envelope envelope;
    envelope.set_id(box + member + std::to_string(end_of_log()));
    envelope.set_key(box);
    envelope.set_recorded_at(wall.time_since_epoch().count());
    envelope.set_payload(event.SerializeAsString());
    const std::string value = envelope.SerializeAsString();
    NewRecord record{kOnly, box, value};
    writer_->append(kStream, {&record, 1});
  }

  // All clocks go on, and every process takes turns.
  void live(milliseconds time) {
    constexpr milliseconds kTurn{20};
    for (milliseconds lived{0}; lived < time; lived += kTurn) {
      wall += kTurn;
      steady_ += kTurn;
      for (auto& [host, process] : processes_) {
        process->worker->step(steady_, wall, milliseconds{0});
        while (auto running = process->computations.begin()) {
          process->computations.finish(std::move(running));
        }
      }
    }
  }

  [[nodiscard]] std::int64_t end_of_log() const { return log_.range(kStream, kOnly).end.value; }
  [[nodiscard]] std::int64_t position() const { return views.position(kOnly).position.value; }
  [[nodiscard]] std::size_t claims() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        views.flushes(), [](const MemoryViews::FlushRecord& each) { return each.took; }));
  }
  template <class Row>
  [[nodiscard]] int rows() const {
    int found = 0;
    views.for_each_row<Row>([&](const Row&) { ++found; });
    return found;
  }

 private:
  mutable MemoryLog log_;
  Worker::Clock::time_point steady_{std::chrono::hours(1)};

 public:
  Time wall{milliseconds{1'700'000'000'000}};
  MemoryViews views;

 private:
  RowMemory memory_ = ample_memory();
  const Projection projection_ = describe<Tally>("tally");
  MemoryAssignment assignment_;
  std::unique_ptr<EventWriter> writer_;
  std::map<std::string, std::unique_ptr<Process>> processes_;
};

std::string trouble(const Shared::Process& process) {
  std::string all;
  for (const auto& [what, why] : process.probe.totals().stopped) all += what + ": " + why + "\n";
  return all;
}

}  // namespace

TEST_CASE(
    "a view that is restored while nothing comes is brought back, with timers and computed rows") {
  Shared shared;
  shared.start("a");
  shared.add("b", "m1");
  shared.live(kBeats);
  const MemoryViews backup = shared.views;
  shared.add("b", "m2", std::chrono::hours(1));
  shared.add("b", "m3");
  shared.add("b", "m4");
  shared.live(kBeats);
  REQUIRE(shared.position() == 4);
  REQUIRE(shared.rows<tally::Member>() == 4);
  REQUIRE(shared.rows<tally::BoxPlace>() == 4);

  shared.views = backup;
  REQUIRE(shared.rows<tally::Member>() == 1);
  shared.live(kBeats);
  CHECK(shared.position() == 4);
  CHECK(shared.rows<tally::Member>() == 4);
  CHECK(shared.rows<tally::BoxPlace>() == 4);
  // The timer that was set before fires still.
  shared.live(std::chrono::hours(1) + kBeats);
  CHECK(shared.rows<tally::Member>() == 3);
}

TEST_CASE("a view that lost its rows of positions is folded anew while nothing comes") {
  Shared shared;
  shared.start("a");
  const MemoryViews empty = shared.views;
  shared.add("b", "m1");
  shared.live(kBeats);
  REQUIRE(shared.position() == 1);
  shared.views = empty;
  shared.live(kBeats);
  CHECK(shared.position() == 1);
  CHECK(shared.rows<tally::Member>() == 1);
}

TEST_CASE("who lost a quiet partition to a process that has ended says so, and has it back") {
  Shared shared;
  Shared::Process& a = shared.start("a");
  shared.live(kBeats);
  MemorySink(shared.views).claim(kOnly, "b:1:x/0/1");
  shared.live(milliseconds{1500});
  CHECK_THAT(trouble(a), Catch::Contains("tally:0: process 1 on b took the partition"));
  shared.live(kOwnerGone + kBeats);
  CHECK(trouble(a).empty());
  CHECK(shared.views.position(kOnly).owner.starts_with("a:"));
  shared.add("b", "m1");
  shared.live(kBeats);
  CHECK(shared.position() == 1);
}

TEST_CASE(
    "two processes that were given one partition do not take turns, and are told of each other") {
  Shared shared;
  Shared::Process& a = shared.start("a");
  shared.live(kBeats);
  Shared::Process& b = shared.start("b");
  shared.live(std::chrono::minutes(2));
  CHECK(shared.claims() == 2);
  CHECK_THAT(trouble(a), Catch::Contains("process 4711 on b took the partition and still has it"));
  CHECK_THAT(shared.views.contender(kOnly), Catch::Contains("process 4711 on b"));
  CHECK(trouble(b).empty());
  shared.add("b", "m1");
  shared.live(kBeats);
  CHECK(shared.position() == 1);

  SECTION("one that lets go is followed at once") {
    b.worker->close();
    shared.end("b");
    shared.live(kBeats);
  }
  SECTION("one that dies is followed when it has been silent") {
    shared.end("b");
    shared.live(milliseconds{2000});
    CHECK(shared.claims() == 2);
    shared.live(kOwnerGone + kBeats);
  }
  CHECK(shared.claims() == 3);
  CHECK(trouble(a).empty());
}

TEST_CASE("a database that is away is trouble though nothing comes, until it is heard again") {
  Shared shared;
  Shared::Process& a = shared.start("a");
  shared.live(kBeats);
  a.sink.set_away(true);
  shared.live(milliseconds{1200});
  CHECK_THAT(trouble(a), Catch::Contains("the database is away"));
  a.sink.set_away(false);
  shared.live(milliseconds{1200});
  CHECK(trouble(a).empty());
}

TEST_CASE("a heartbeat that is not heard is news once a change, and that it is heard again") {
  std::ostringstream lines;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "lines", std::make_shared<spdlog::sinks::ostream_sink_mt>(lines)));
  const auto told = [&](const std::string& text) {
    const std::string all = lines.str();
    int times = 0;
    for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++times;
    return times;
  };
  Shared shared;
  Shared::Process& a = shared.start("a");
  shared.live(kBeats);
  a.sink.set_away(true);
  shared.live(2 * kBeats);
  a.sink.set_away(false);
  a.sink.set_unprepared("the published table box is not there");
  shared.live(2 * kBeats);
  a.sink.set_unprepared("");
  shared.live(kBeats);
  spdlog::set_default_logger(before);
  CHECK(told("progress not shown") == 2);
  CHECK(told("the database is away") == 1);
  CHECK(told("box is not there") == 1);
  CHECK(told("progress shown again") == 1);
}

TEST_CASE("tables that are gone are trouble though nothing comes; once they are back it folds on") {
  Shared shared;
  Shared::Process& a = shared.start("a");
  shared.live(kBeats);
  a.sink.set_unprepared("the published table box is not there");
  shared.live(milliseconds{1200});
  CHECK_THAT(trouble(a), Catch::Contains("box is not there"));
  // A record makes no difference: the projection waits, and nothing is lost.
  shared.add("b", "m1");
  shared.live(kBeats);
  CHECK_THAT(shared.views.trouble(kOnly), Catch::Contains("box is not there"));
  CHECK(shared.position() == 0);
  a.sink.set_unprepared("");
  shared.live(milliseconds{4000});
  CHECK(trouble(a).empty());
  CHECK(shared.position() == 1);
}

}  // namespace sluice

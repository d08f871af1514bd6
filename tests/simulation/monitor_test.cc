// Workers that wait for something, seen by the thread beside them, with clocks that move when told
// to.

#include "projectors/engine/run/monitor.h"

#include <catch2/catch.hpp>

#include "projectors/engine/run/worker.h"
#include "storage/base/errors.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "storage/memory/memory_view_monitor.h"
#include "tests/simulation/ample_memory.h"
#include "tests/simulation/tally/projection.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr Partition kOnly{0};
constexpr milliseconds kSoon{2000};  // within which an operator hears of a lock
const std::string kStream = "tally.events";
const std::string kSession = "sluice tally/0 x";
const std::string kLock = "ShareLock on tally_g1.box: process 4711 is in the way";

// A sink whose flushes may take as long as a test likes.
class SlowSink final : public ProjectionSink {
 public:
  explicit SlowSink(MemoryViews& views) : memory(views) {}
  Generation generation() override { return memory.generation(); }
  ViewPosition claim(Partition partition, std::string_view owner) override {
    return memory.claim(partition, owner);
  }
  std::optional<ViewPosition> position(Partition partition) override {
    return memory.position(partition);
  }
  FlushOutcome flush(const FlushBatch& batch) override {
    if (const auto wait = std::exchange(while_flushing, nullptr)) wait();
    return memory.flush(batch);
  }
  std::vector<std::optional<ViewPosition>> show_progress(
      std::span<const LogProgress> progress) override {
    return memory.show_progress(progress);
  }

  MemorySink memory;
  std::function<void()> while_flushing;
};

// A log, a view, a worker that has its only partition, and who looks at it.
class Process {
 public:
  Process()
      : log([this] { return wall_; }),
        views({.projection = "tally",
               .number = 1,
               .unique_id = "g",
               .version = Tally::kVersion,
               .partitions = 1,
               .dedupe_horizon = milliseconds{1000},
               .live = true},
              [this] { return steady_; }),
        sink(views),
        eyes(views),
        probe([this] { return steady_; }),
        monitor({.projections = {{"tally", kStream, "sluice.tally.g1"}},
                 .instance = "host:1:x",
                 .member = {},
                 .clock = [this] { return steady_; }},
                {eyes, log, nullptr, probe}) {
    log.create(kStream, 1);
    log.create("roster.events", 1);
    writer_ = log.writer();
    assignment_.partitions = {kOnly};
    WorkerConfig config;
    config.name = "tally worker 0";
    config.instance = "host:1:x/0";
    config.session = kSession;
    worker = std::make_unique<Worker>(
        projection_, config,
        WorkerParts{
            .open_reader = [this](Ownership& o) { return log.reader(kStream, assignment_, o); },
            .open_store = [this](Partition) { return std::make_unique<MemoryStateStore>(state_); },
            .topology = log,
            .writer = *writer_,
            .sink = sink,
            .probe = probe,
            .memory = memory_});
  }

  void add(const std::string& box, const std::string& member) {
    tally::Event event;
    event.mutable_member_added()->set_box_id(box);
    event.mutable_member_added()->set_member(member);
    Envelope envelope;
    envelope.set_id(box + member);
    envelope.set_key(box);
    envelope.set_recorded_at(wall_.time_since_epoch().count());
    envelope.set_payload(event.SerializeAsString());
    const std::string value = envelope.SerializeAsString();
    NewRecord record{kOnly, box, value};
    writer_->append(kStream, {&record, 1});
  }

  // The worker takes its turns, and is looked at.
  void live(milliseconds time) {
    const auto end = steady_ + time;
    while (steady_ < end) {
      for (int turn = 0; turn < kTurnsALook; ++turn) {
        pass(kTurn);
        worker->step(steady_, wall_, milliseconds{0});
      }
      monitor.look();
    }
  }
  // It takes none.
  void stand_still(milliseconds time) {
    const auto end = steady_ + time;
    while (steady_ < end) {
      pass(Monitor::kBetweenLooks);
      monitor.look();
    }
  }
  void pass(milliseconds time) {
    wall_ += time;
    steady_ += time;
  }
  [[nodiscard]] std::string troubles() const {
    std::string all;
    for (const std::string& each : monitor.troubles()) all += each + "\n";
    return all;
  }

 private:
  static constexpr milliseconds kTurn{20};
  static constexpr int kTurnsALook = Monitor::kBetweenLooks / kTurn;
  Worker::Clock::time_point steady_{std::chrono::hours(1)};
  Time wall_{milliseconds{1'700'000'000'000}};

 public:
  MemoryLog log;
  MemoryViews views;
  SlowSink sink;
  MemoryViewMonitor eyes;
  Probe probe;
  Monitor monitor;

 private:
  MemoryState state_;
  RowMemory memory_ = ample_memory();
  const Projection projection_ = describe<Tally>("tally");
  MemoryAssignment assignment_;
  std::unique_ptr<EventWriter> writer_;

 public:
  std::unique_ptr<Worker> worker;
};

}  // namespace

TEST_CASE("a healthy worker is no trouble, and is not spoken for") {
  Process process;
  process.add("b", "m1");
  process.live(std::chrono::seconds(10));
  CHECK(process.troubles().empty());
  CHECK(process.views.trouble(kOnly).empty());
  CHECK(process.views.position(kOnly).position == Offset{1});
}

TEST_CASE("a flush that waits for a lock says so within two seconds, and lag grows meanwhile") {
  Process process;
  process.live(kSoon);
  bool waited = false;
  process.sink.while_flushing = [&] {
    process.eyes.lock(kSession, kLock);
    for (const char* member : {"m2", "m3", "m4"}) process.add("b", member);
    process.stand_still(kSoon);
    CHECK(process.views.log_end(kOnly) == Offset{4});
    CHECK(process.views.trouble(kOnly) == "the flush of tally:0 waits for " + kLock);
    CHECK(process.troubles() == "tally worker 0: the flush of tally:0 waits for " + kLock + "\n");
    // Its owner lives, however long it waits.
    process.stand_still(kOwnerGone + kSoon);
    CHECK(process.views.position(kOnly).silent < kOwnerGone);
    process.eyes.lock(kSession, "");
    waited = true;
  };
  process.add("b", "m1");
  process.live(kSoon);
  REQUIRE(waited);
  CHECK(process.troubles().empty());
  CHECK(process.views.trouble(kOnly).empty());
  CHECK(process.views.position(kOnly).position == Offset{4});
}

TEST_CASE("a flush that fails for a lock names it until one goes through") {
  Process process;
  process.live(kSoon);
  process.sink.while_flushing = [&] {
    process.eyes.lock(kSession, kLock);
    process.stand_still(kSoon);
    process.eyes.lock(kSession, "");
    throw Retryable("canceled for its lock timeout");
  };
  process.sink.memory.set_unprepared("locked still");
  process.add("b", "m1");
  process.live(kSoon);
  CHECK_THAT(process.views.trouble(kOnly), Catch::Contains(kLock + " ("));
  process.sink.memory.set_unprepared("");
  process.live(2 * kSoon);
  CHECK(process.views.trouble(kOnly).empty());
  CHECK(process.views.position(kOnly).position == Offset{1});
}

TEST_CASE("who waits for something that nobody names is told by its age within five seconds") {
  Process process;
  process.live(kSoon);
  process.sink.while_flushing = [&] {
    process.stand_still(kSoon);
    CHECK(process.troubles().empty());
    process.stand_still(milliseconds{2500});
    CHECK_THAT(process.troubles(),
               Catch::StartsWith("tally worker 0: has been in the flush of tally:0 for 4 s"));
    CHECK_THAT(process.views.trouble(kOnly), Catch::StartsWith("has been in the flush"));
    // Also where nobody looks any more.
    process.pass(std::chrono::minutes(1));
    CHECK_THAT(process.troubles(), Catch::Contains("for 64 s"));
  };
  process.add("b", "m1");
  process.live(kSoon);
  CHECK(process.troubles().empty());
  CHECK(process.views.trouble(kOnly).empty());
}

TEST_CASE("a newer owner is not spoken over, and a partition that was let go stays so") {
  Process process;
  process.live(kSoon);
  SECTION("taken by another process") {
    MemorySink(process.views).claim(kOnly, "other:2:y/0/1");
    process.eyes.lock(kSession, kLock);
    process.stand_still(kSoon);
    CHECK(process.views.position(kOnly).owner == "other:2:y/0/1");
    CHECK(process.views.trouble(kOnly).empty());
    CHECK_THAT(process.views.contender(kOnly), Catch::Contains(kLock));
  }
  SECTION("let go") {
    process.worker->close();
    process.stand_still(kSoon);
    CHECK(process.views.position(kOnly).silent >= kOwnerGone);
  }
}

TEST_CASE("a view that does not answer is trouble within five seconds, and none when it is back") {
  Process process;
  process.live(kSoon);
  process.eyes.set_away(true);
  process.stand_still(milliseconds{4000});
  CHECK_THAT(process.troubles(),
             Catch::Contains("database: no answer for 3 s: the database is away"));
  process.eyes.set_away(false);
  process.live(milliseconds{500});
  CHECK(process.troubles().empty());
}

TEST_CASE("a log that does not answer is trouble of each partition, until it is back") {
  Process process;
  process.live(kSoon);
  process.log.set_away(true);
  process.live(milliseconds{4500});
  CHECK_THAT(process.troubles(), Catch::Contains("log: no answer for "));
  process.log.set_away(false);
  process.live(2 * kSoon);
  CHECK(process.troubles().empty());
  CHECK(process.views.trouble(kOnly).empty());
}

TEST_CASE("a partition that no process has is trouble, until one takes it") {
  Process process;
  CHECK(process.troubles() == "it is starting\n");
  process.monitor.look();
  CHECK(process.troubles() == "tally:0: no process has taken it\n");
  process.live(milliseconds{500});
  CHECK(process.troubles().empty());
}

}  // namespace sluice

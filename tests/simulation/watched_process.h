#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "projectors/engine/run/monitor.h"
#include "projectors/engine/run/worker.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_snapshots.h"
#include "storage/memory/memory_state.h"
#include "storage/memory/memory_view_monitor.h"
#include "tests/simulation/ample_memory.h"
#include "tests/simulation/tally/projection.h"

namespace sluice::testing {

using std::chrono::milliseconds;

inline constexpr Partition kOnly{0};
inline const std::string kStream = "tally.events";
inline const std::string kSession = "sluice tally/0 x";

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

// A log, a view, a worker that has its only partition, and who looks at it: with clocks that move
// when told to.
class WatchedProcess {
 public:
  WatchedProcess()
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
        monitor({.projections = {{"tally", kStream,
                                  [](int) { return std::string("sluice.tally.g1"); }}},
                 .instance = "host:1:x",
                 .member = {},
                 .clock = [this] { return steady_; }},
                {eyes, log, nullptr, probe}) {
    log.create(kStream, 1);
    log.create("roster.events", 1);
    writer_ = log.writer();
    assignment_.partitions = {kOnly};
    start_worker();
  }

  // Another in the place of the one before, which says nothing when it ends so.
  void start_worker() {
    worker.reset();
    WorkerConfig config;
    config.name = "tally worker 0";
    config.wall = [this] { return wall_; };
    config.instance = "host:1:x/" + std::to_string(starts_++);
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
            .memory = memory_,
            .errands = &errands,
            .open_snapshots =
                [this](const Generation&, Partition, StateStore&) {
                  return std::make_unique<MemorySnapshots>(shelf, state_);
                },
            .state_folder = [](Partition) { return std::string("/data/state/tally-g1/0"); }});
  }

  void add(const std::string& box, const std::string& member) {
    tally::Event event;
    event.mutable_member_added()->set_box_id(box);
    event.mutable_member_added()->set_member(member);
    post(event, box, box + member);
  }
  void empty(const std::string& box) {
    tally::Event event;
    event.mutable_box_emptied()->set_box_id(box);
    post(event, box, box + " is emptied");
  }
  void post(const tally::Event& event, const std::string& box, const std::string& id) {
    Envelope envelope;
    envelope.set_id(id);
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
  [[nodiscard]] Time wall() const { return wall_; }
  // What the worker has kept is gone when the next one starts.
  void lose_state() { state_ = MemoryState(); }
  [[nodiscard]] const MemoryState& state() const { return state_; }
  [[nodiscard]] MemoryState& disk() { return state_; }
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
  Errands errands;
  MemorySnapshotShelf shelf;

 private:
  MemoryState state_;
  RowMemory memory_ = ample_memory();
  const Projection projection_ = describe<Tally>("tally");
  MemoryAssignment assignment_;
  int starts_ = 0;
  std::unique_ptr<EventWriter> writer_;

 public:
  std::unique_ptr<Worker> worker;
};

}  // namespace sluice::testing

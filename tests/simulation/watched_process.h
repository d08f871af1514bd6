#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "projectors/engine/run/monitor.h"
#include "projectors/engine/run/worker.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_snapshots.h"
#include "storage/memory/memory_state.h"
#include "storage/memory/memory_view_monitor.h"
#include "tally/events.pb.h"
#include "tests/simulation/ample_memory.h"
#include "tests/simulation/slow_sink.h"
#include "tests/simulation/tally/projection.h"

namespace sluice::testing {

using std::chrono::milliseconds;

inline constexpr Partition kOnly{0};
inline const std::string kStream = "tally.events";
inline const std::string kSession = "sluice tally/0 x";

// A log, a view, a worker that has its only partition, and who looks at it: with clocks that move
// when told to.
class WatchedProcess {
 public:
  WatchedProcess();

  // Another in the place of the one before, which says nothing when it ends so.
  void start_worker();

  void add(const std::string& box, const std::string& member);
  void empty(const std::string& box);
  void post(const tally::Event& event, const std::string& box, const std::string& id);

  // The worker takes its turns, and is looked at.
  void live(milliseconds time);
  // It takes none.
  void stand_still(milliseconds time);
  void pass(milliseconds time) {
    wall_ += time;
    steady_ += time;
  }
  [[nodiscard]] Time wall() const { return wall_; }
  // What the worker has kept is gone when the next one starts.
  void lose_state() { state_ = MemoryState(); }
  [[nodiscard]] const MemoryState& state() const { return state_; }
  [[nodiscard]] MemoryState& disk() { return state_; }
  [[nodiscard]] std::string troubles() const;

 private:
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

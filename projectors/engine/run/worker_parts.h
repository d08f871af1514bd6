#pragma once

// What a worker is told, and what it is built on.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "projectors/engine/computed/computations.h"
#include "projectors/engine/run/backoff.h"
#include "projectors/engine/run/errands.h"
#include "projectors/engine/run/flush_pace.h"
#include "projectors/engine/run/following.h"
#include "projectors/engine/run/probe.h"
#include "projectors/engine/run/projector_parts.h"
#include "projectors/engine/tables/row_memory.h"
#include "storage/base/position.h"
#include "storage/base/steadied_clock.h"
#include "storage/event_log.h"
#include "storage/generation_builder.h"
#include "storage/log_topology.h"
#include "storage/projection_sink.h"
#include "storage/state_snapshots.h"
#include "storage/state_store.h"

namespace sluice {

struct WorkerConfig {
  // For people: under this the probe has what keeps all of it from working.
  std::string name;
  // Tells this worker from every other that ever was: part of the owner that Postgres knows.
  std::string instance;
  // The name of its sink's session, by which the view tells what that waits for.
  std::string session;
  FlushPace pace;
  std::chrono::milliseconds progress_interval{1000};
  FollowingPace following;  // of a generation that readers do not see
  Backoff::Limits backoff;  // while something is away
  ProjectorLimits limits;
  // What ticks are stamped by.
  std::function<Time()> wall = SteadiedClock::system_wall;
};

// What a worker is built on. Called on the worker's thread.
struct WorkerParts {
  std::function<std::unique_ptr<EventReader>(Ownership&)> open_reader;
  std::function<std::unique_ptr<StateStore>(Partition)> open_store;
  LogTopology& topology;
  EventWriter& writer;  // for what is emitted, and for ticks
  ProjectionSink& sink;
  Probe& probe;
  RowMemory& memory;                     // of the process
  Computations* computations = nullptr;  // of the process; null: nothing is computed
  GenerationBuilder* builder = nullptr;  // of the sink's generation; null: that is the live one
  // Reads single records of a partition, beside the reader; none: no key is repaired.
  std::function<ReadRecord(Partition)> read_records = {};
  Errands* errands = nullptr;  // of the process; null: nobody asks anything of it
  // Beside a store that open_store made; null: there are no snapshots.
  std::function<std::unique_ptr<StateSnapshots>(const Generation&, Partition, StateStore&)>
      open_snapshots = nullptr;
  // Where the store that open_store made lies, for people; none: in memory.
  std::function<std::string(Partition)> state_folder = {};
  // Why the log is not the one that the views stand on, so that nothing of it may be folded.
  // Asked once a second.
  std::function<std::optional<std::string>()> wrong_log = [] {
    return std::optional<std::string>();
  };
};

}  // namespace sluice

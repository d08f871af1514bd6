#pragma once

// What a worker is told and built on.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "projectors/engine/run/backoff.h"
#include "projectors/engine/run/flush_pace.h"
#include "projectors/engine/run/probe.h"
#include "projectors/engine/run/projector.h"
#include "storage/event_log.h"
#include "storage/log_topology.h"
#include "storage/projection_sink.h"
#include "storage/state_store.h"

namespace sluice {

struct WorkerConfig {
  // For people: under this the probe has what keeps all of it from working.
  std::string name;
  // Tells this worker from every other that ever was: part of the owner that Postgres knows.
  std::string instance;
  FlushPace pace;
  std::chrono::milliseconds progress_interval{1000};
  Backoff::Limits backoff;  // while something is away
  ProjectorLimits limits;
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
};

}  // namespace sluice

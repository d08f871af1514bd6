#pragma once

// What bounds a projector, and what it is built on.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "projectors/engine/computed/computations.h"
#include "projectors/engine/dedupe/dedupe.h"
#include "projectors/engine/derived/emitter.h"
#include "projectors/engine/fold/key_refold.h"
#include "projectors/engine/key_index/key_index.h"
#include "projectors/engine/quarantine/quarantine.h"
#include "projectors/engine/run/probe.h"
#include "projectors/engine/tables/row_memory.h"
#include "storage/base/log_identity.h"
#include "storage/base/position.h"
#include "storage/base/steadied_clock.h"
#include "storage/generation_builder.h"
#include "storage/projection_sink.h"
#include "storage/state_snapshots.h"
#include "storage/state_store.h"

namespace sluice {

// When folded work must be flushed whatever the time and the memory that it takes.
struct ProjectorLimits {
  std::size_t dirty_rows = 100'000;
  std::int64_t parked_limit = kParkedLimit;  // records of a key that the view shows with bytes
  std::size_t records_an_append = 4096;      // of what is emitted
  DedupeShape dedupe;
  KeyIndexShape index;
  bool key_index = true;  // false: a state that begins now has none, whatever its generation has
};

// What a projector is built on.
struct ProjectorParts {
  StateStore& store;
  ProjectionSink& sink;
  Emitter& emitter;
  Probe& probe;
  RowMemory& memory;                     // of the process
  Computations* computations = nullptr;  // null: nothing is computed
  // Of the partition's log, as LogTopology has it; may throw what that throws.
  std::function<std::optional<LogIdentity>()> log_identity = [] {
    return std::optional<LogIdentity>();
  };
  // The time by which what a flush shows has its age.
  std::function<Time()> wall = SteadiedClock::system_wall;
  GenerationBuilder* builder = nullptr;  // of the sink's generation; null: it is not built
  StateSnapshots* snapshots = nullptr;   // of the store; null: there are none
  // Reads the partition's log beside who gives it to fold(); none: no key is repaired.
  ReadRecord read_record = {};
  ProjectorLimits limits = {};
};

}  // namespace sluice

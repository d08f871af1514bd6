#pragma once

// A worker as threads beside it see it: one that waits for something can say nothing itself.
// Values, which the probe has of each.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/position.h"

namespace sluice {

// What a worker may be long in: each is the name of a phase of its turn, for people.
enum class WorkerPhase {
  joining,
  reading,
  folding,
  claiming,
  flushing,
  ticking,
  beating,
  answering,
};

// A partition that a worker has, as it last told.
struct HeldPartition {
  Partition partition = {};
  std::string owner = {};    // the claim's; "": none was begun
  std::string trouble = {};  // what the heartbeat said last
  Offset log_end = {};
  bool fetched = false;  // its reader hears of the log's end; false: it is held back, or stopped
  std::optional<Offset> position = {};  // the view's; nullopt: it was not claimed yet
  std::optional<Offset> folded = {};    // what comes next, shown or not; nullopt: nothing is folded
  std::size_t dirty_rows = 0;
  std::size_t dirty_bytes = 0;
  std::size_t row_bytes = 0;  // the dirty ones included
  std::size_t dedupe_bytes = 0;
  std::optional<Time> oldest = {};       // when the log got the oldest record that the view lacks
  std::optional<Time> complete_at = {};  // up to then the view lacked none that the log had
};

struct WatchedWorker {
  std::string projection;
  int generation = 0;
  bool live = true;                              // readers see the generation
  std::string session;                           // the name of its sink's session
  std::chrono::steady_clock::time_point turned;  // when its last turn ended
  WorkerPhase phase = WorkerPhase::joining;      // what it is in now
  std::chrono::steady_clock::time_point since;   // when that began
  std::optional<Partition> partition;            // which the phase is about
  std::vector<HeldPartition> held;
};

// How long the log, which ends at `log_end`, has had the oldest record that the view lacks; 0: it
// lacks none. While it stands still it grows, since that was last known. nullopt: not known.
[[nodiscard]] std::optional<std::chrono::milliseconds> freshness(const HeldPartition& held,
                                                                 Offset log_end, Time now);

// "the flush of deliberation:3".
[[nodiscard]] std::string words_for(const WatchedWorker& worker);

}  // namespace sluice

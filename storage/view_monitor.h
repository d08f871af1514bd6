#pragma once

// Views seen from beside those who fold into them, over a session of its own: a thread that waits
// for its own session can say nothing. Technologies: memory/, postgres/.

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/position.h"
#include "storage/projection_sink.h"

namespace sluice {

// A partition of a live generation that stands still: no process has it, since it was never
// claimed, or its owner let go or has been silent for kOwnerGone; or its owner says that it does.
struct UnownedPartition {
  std::string projection;
  int generation = 1;
  Partition partition = {};
  Offset position = {};
  Offset log_end = {};  // as last heard
  // How long the log has had the oldest record that the view lacks, as far as that is known; grows.
  // nullopt: it was never claimed.
  std::optional<std::chrono::milliseconds> freshness = std::nullopt;
  // Which generation is built beside, how far, and by whom, for people; empty: none is.
  std::string built = {};
  bool owned = false;
  // The process that had it last, "process 4711 on host"; empty: nobody knows.
  std::string had_by = {};
};

// A generation of a projection.
struct GenerationSeen {
  std::string projection;
  int number = 1;
  int version = 1;     // of the rules that it is folded by
  std::string status;  // "building", "ready", "live", "standing", "failed" or "retired"
  // The part of a core that building it may take in a process.
  double share = 1;
  friend bool operator==(const GenerationSeen&, const GenerationSeen&) = default;
};

// Used by one thread. Nothing here claims or fences. Everything is answered within seconds, or
// throws Retryable.
class ViewMonitor {
 public:
  virtual ~ViewMonitor() = default;

  // By the name under which a sink's session was opened, of those named: which lock it waits for,
  // who has that, and since when, for people. Sessions that wait for no lock are left out. Asks the
  // view also where no name is given.
  virtual std::map<std::string, std::string> locks(std::span<const std::string> sessions) = 0;

  // Renews what owners said, for owners that cannot speak: as ProjectionSink::show_progress() where
  // the partition is still the owner's by its last word; elsewhere a trouble is kept beside that
  // word.
  virtual void speak_for(std::string_view projection, int generation,
                         std::span<const LogProgress> progress) = 0;

  // Of the live generations of these projections.
  virtual std::vector<UnownedPartition> unowned(std::span<const std::string> projections) = 0;

  // Of these projections, in the order of their names and numbers.
  virtual std::vector<GenerationSeen> generations(std::span<const std::string> projections) = 0;
};

}  // namespace sluice

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "projectors/engine/fold/partition_fold.h"
#include "projectors/engine/run/hot_keys.h"
#include "projectors/engine/run/probe.h"
#include "storage/base/position.h"
#include "storage/event_log.h"
#include "storage/flush_batch.h"

namespace sluice {

// What operators are told of a partition's flushes, and when the log got what they show. Used by
// the projector's thread.
class FlushAccount {
 public:
  struct Of {
    std::string label;  // for the probe: "deliberation:3"
    std::string name;   // for messages: "deliberation partition 3"
    bool live = false;
    std::int64_t parked_limit = 0;  // records of a key that the view shows with bytes
    std::function<Time()> wall;     // the time by which what a flush shows has its age
  };
  // The probe must outlive this.
  FlushAccount(Of of, Probe& probe);

  // The record is about to be folded.
  void meets(const LogRecord& record);
  // It was; `first`: as the first that the view lacks.
  void folded(const LogRecord& record, bool first);
  // The view shows all that was folded.
  void shown() { newest_seen_ = newest_folded_; }
  // Counts what was folded since the last write. `visible`: the view shows it from now on.
  void tell(const PartitionFold& fold, std::span<const RowChanges> rows,
            std::span<const ComputedRows* const> computed, bool visible);

  // When the log got the first record that the view lacks, as long as it lacks one, and the last
  // that it shows, by the log's own stamps; nullopt: none, or the log did not stamp it.
  [[nodiscard]] std::optional<Time> oldest_unseen() const { return oldest_unseen_; }
  [[nodiscard]] std::optional<Time> newest_seen() const { return newest_seen_; }

 private:
  // How many records go into quarantine without their bytes. The first time it says so.
  [[nodiscard]] std::uint64_t tell_beyond_limit(const PartitionFold& fold);

  const Of of_;
  Probe& probe_;
  HotKeys keys_;
  bool told_beyond_limit_ = false;
  std::optional<Time> oldest_unseen_;
  std::optional<Time> newest_folded_;
  std::optional<Time> newest_seen_;
};

}  // namespace sluice

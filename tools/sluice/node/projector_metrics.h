#pragma once

#include "projectors/engine/run/probe.h"
#include "storage/view_monitor.h"
#include "tools/sluice/node/metric_families.h"

namespace sluice {

// A partition that a process has, as an operator is told of it.
struct PartitionSeen {
  std::string projection = {};
  int generation = 1;
  bool live = true;  // readers see the generation
  Partition partition = {};
  std::string owner = {};
  std::optional<Offset> position = {};  // nullopt: it was not claimed yet
  std::optional<Offset> folded = {};    // what comes next, shown or not
  Offset log_end = {};
  std::optional<std::chrono::milliseconds> freshness = {};  // nullopt: not known
  bool stands_still = false;
  std::size_t dirty_rows = 0;
  std::size_t dirty_bytes = 0;
  std::size_t row_bytes = 0;
  std::size_t dedupe_bytes = 0;
};
[[nodiscard]] std::vector<PartitionSeen> partitions_seen(const Probe& probe, Time now);

// Partitions as metrics: how those of live generations stand at `now` that the process has, with
// what the view knows of those that stand still, and those that no process has, and what it counted
// of all that it had; of other generations only how far they lag, under their status as
// `generations` has it. Any thread.
void add_projector_metrics(const Probe& probe, const std::vector<UnownedPartition>& unowned,
                           const std::vector<GenerationSeen>& generations, Time now,
                           MetricFamilies& families);

// As partition_label() has it.
[[nodiscard]] std::string label_of(const PartitionSeen& seen);

}  // namespace sluice

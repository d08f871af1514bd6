// How a worker gets partitions, and lets them go.

#include <spdlog/spdlog.h>

#include <utility>

#include "projectors/engine/run/worker.h"
#include "storage/base/errors.h"

namespace sluice {

bool Worker::stands() {
  for (int p = 0; p < generation_.partitions; ++p) {
    const std::optional<ViewPosition> view = parts_.sink.position(Partition{p});
    if (view && view->position > Offset{0}) return true;
  }
  return false;
}

int Worker::partitions_of_stream() {
  if (const auto partitions = parts_.topology.partitions(stream_)) return *partitions;
  throw Retryable("the stream " + stream_ +
                  " is gone: restore it, or make it anew and let `sluice schema apply --refold " +
                  std::string(projection_.name) +
                  "` fold anew what there is (docs/start_checks.md)");
}

// A key has the partition that the generation was made with.
void Worker::require_same_partitions() {
  const int partitions = partitions_of_stream();
  if (partitions == generation_.partitions) return;
  throw Corrupt(stream_ + " has " + std::to_string(partitions) + " partitions, and the views of " +
                std::string(projection_.name) + " were made for " +
                std::to_string(generation_.partitions) +
                ": keys would move. Nothing was changed; see docs/start_checks.md for ways on");
}

Offset Worker::acquired(Partition partition) {
  Assigned& assigned = assigned_[partition];
  assigned = Assigned{};
  parts_.probe.rebalanced(label(partition));
  Offset end{0};
  try {
    end = parts_.topology.range(stream_, partition).end;
  } catch (const Corrupt&) {
    // As claiming it tells.
  }
  guarded(partition, assigned, [&] { claim(partition, assigned); });
  // One that was added: nothing of the projection is folded on.
  if (partition.value >= generation_.partitions) {
    for (auto& [other, held] : assigned_) {
      if (!held.stopped) guarded(other, held, [this] { require_same_partitions(); });
    }
  }
  tell_whom_it_has();
  // Not taken: whatever is read from here is passed over until it is.
  return assigned.projector ? assigned.projector->reads_from() : end;
}

void Worker::lost(Partition partition) {
  const auto found = assigned_.find(partition);
  if (found == assigned_.end()) return;
  // Saves the next owner the replay; where it has taken the partition already this is fenced.
  if (found->second.projector) {
    guarded(partition, found->second, [&] { flush(found->second); });
    if (found->second.trouble.empty()) {
      presence_.release({{partition, found->second.log_end, found->second.owner, {}}});
    }
  }
  assigned_.erase(found);
  parts_.probe.rebalanced(label(partition));
  tell_whom_it_has();
  parts_.probe.running(label(partition));
  spdlog::info("partition lost projection={} partition={}", projection_.name, partition.value);
}

void Worker::claim(Partition partition, Assigned& assigned) {
  const std::string& owner = assigned.owner = config_.instance + "/" + std::to_string(++claims_);
  enter(Probe::Phase::claiming, partition);
  require_same_partitions();
  generation_ = parts_.sink.generation();
  require_version();
  if (!assigned.store) assigned.store = parts_.open_store(partition);
  auto projector = std::make_unique<Projector>(
      projection_, generation_, partition, owner, config_.limits,
      ProjectorParts{*assigned.store, parts_.sink, emitter_, parts_.probe, parts_.memory,
                     parts_.computations,
                     [this, partition] { return parts_.topology.identity(stream_, partition); },
                     config_.wall, parts_.builder});
  const LogRange log = parts_.topology.range(stream_, partition);
  assigned.log_end = log.end;
  const Offset from = projector->claim(log);
  spdlog::info("partition acquired projection={} partition={} position={} view={} owner={}",
               projection_.name, partition.value, from.value, projector->flushed().value, owner);
  parts_.probe.running(label(partition));
  assigned.trouble.clear();
  assigned.fenced = false;
  assigned.claimed_at = now_;
  assigned.began = projector->recovery();
  parts_.probe.taken(label(partition), assigned.began);
  assigned.projector = std::move(projector);
  assigned.last_flush = now_;
  assigned.backoff.worked();
  enter(Probe::Phase::folding);
}

void Worker::take_anew(Partition partition, Assigned& assigned) {
  assigned.projector.reset();
  claim(partition, assigned);
  assigned.paused = true;  // wherever the reader stands, it goes on where the projector does
}

}  // namespace sluice

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

void Worker::require_version() const {
  if (generation_.version == projection_.version) return;
  throw Misconfigured(std::string(projection_.name) + " was folded by version " +
                      std::to_string(generation_.version) +
                      " of its rules, this program has version " +
                      std::to_string(projection_.version) +
                      ": start the program of that version, or let `sluice rebuild " +
                      std::string(projection_.name) + "` of this one fold the log anew beside it");
}

// Whether readers see it is part of the names under which partitions are spoken of: nothing that
// was said under the ones of before is left.
void Worker::adopt(const Generation& found) {
  if (found.live == generation_.live) {
    generation_ = found;
    return;
  }
  spdlog::info("generation {} projection={} generation={}", found.live ? "live" : "no longer live",
               projection_.name, generation_.number);
  say_nothing();
  generation_ = found;
  following_.set_live(found.live);
  parts_.probe.shown(config_.name, found.live);
}

// A generation becomes the live one, or another does, while no record comes. One partition may have
// learnt of it before the others, when it was fenced.
void Worker::look_at_generation() {
  try {
    adopt(parts_.sink.generation());
  } catch (const Retryable&) {
    return;  // as the beat tells
  }
  for (auto& [partition, assigned] : assigned_) {
    if (!assigned.projector || assigned.projector->in_doubt()) continue;
    if (assigned.projector->live() == generation_.live) continue;
    guarded(partition, assigned, [&] { take_anew(partition, assigned); });
  }
}

Offset Worker::acquired(Partition partition) {
  Assigned& assigned = assigned_[partition];
  recall(assigned);
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
  recall(found->second);
  assigned_.erase(found);
  parts_.probe.rebalanced(label(partition));
  tell_whom_it_has();
  parts_.probe.running(label(partition));
  spdlog::info("partition lost projection={} generation={} partition={}", projection_.name,
               generation_.number, partition.value);
}

void Worker::recall(Assigned& assigned) {
  if (assigned.lent) assigned.lent->close();
  assigned.lent.reset();
}

void Worker::recall_all() {
  for (auto& each : assigned_) recall(each.second);
}

void Worker::claim(Partition partition, Assigned& assigned) {
  recall(assigned);
  const std::string& owner = assigned.owner = config_.instance + "/" + std::to_string(++claims_);
  enter(WorkerPhase::claiming, partition);
  require_same_partitions();
  adopt(parts_.sink.generation());
  require_version();
  if (!assigned.store) assigned.store = parts_.open_store(partition);
  if (parts_.open_snapshots) {
    assigned.snapshots = parts_.open_snapshots(generation_, partition, *assigned.store);
  }
  auto projector = std::make_unique<Projector>(
      projection_, generation_, partition, owner,
      ProjectorParts{
          *assigned.store, parts_.sink, emitter_, parts_.probe, parts_.memory, parts_.computations,
          [this, partition] { return parts_.topology.identity(stream_, partition); }, config_.wall,
          parts_.builder, assigned.snapshots.get(),
          parts_.read_records ? parts_.read_records(partition) : ReadRecord(), config_.limits});
  const LogRange log = parts_.topology.range(stream_, partition);
  assigned.log_end = log.end;
  const Offset from = begin(projector, log, assigned);
  spdlog::info(
      "partition acquired projection={} generation={} partition={} position={} view={} owner={}",
      projection_.name, generation_.number, partition.value, from.value, projector->flushed().value,
      owner);
  parts_.probe.running(label(partition));
  assigned.trouble.clear();
  assigned.fenced = false;
  assigned.claimed_at = now_;
  assigned.began = projector->recovery();
  parts_.probe.taken(label(partition), assigned.began);
  assigned.projector = std::move(projector);
  assigned.last_flush = now_;
  assigned.backoff.worked();
  enter(WorkerPhase::folding);
}

// A store that was to have a snapshot and failed may take nothing more until it is opened again.
Offset Worker::begin(std::unique_ptr<Projector>& projector, LogRange log, Assigned& assigned) {
  try {
    return projector->claim(log);
  } catch (const Error&) {
    if (!projector->intact()) {
      projector.reset();
      assigned.snapshots.reset();
      assigned.store.reset();
    }
    throw;
  }
}

void Worker::take_anew(Partition partition, Assigned& assigned) {
  assigned.projector.reset();
  claim(partition, assigned);
  assigned.paused = true;  // wherever the reader stands, it goes on where the projector does
}

}  // namespace sluice

// What a worker says of its partitions once a second, and what it learns by that.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "projectors/engine/run/worker.h"
#include "storage/base/errors.h"

namespace sluice {

void Worker::tell_whom_it_has() {
  std::vector<Probe::Held> held;
  for (const auto& [partition, assigned] : assigned_) {
    held.push_back({partition, assigned.owner, assigned.log_end, assigned.projector != nullptr,
                    assigned.stopped});
  }
  parts_.probe.holds(config_.name, projection_.name, generation_.number, std::move(held));
}

void Worker::show_progress() {
  next_progress_ = now_ + config_.progress_interval;
  std::vector<LogProgress> progress;
  for (auto& [partition, assigned] : assigned_) {
    const Probe::Found found = parts_.probe.found(label(partition));
    // A partition that is held back is not fetched: its reader hears of no new end.
    if (assigned.paused) assigned.log_end = std::max(assigned.log_end, found.log_end);
    // Why it fails by itself does not say who is in the way.
    const bool waits = !assigned.trouble.empty() && !found.waits_for.empty();
    assigned.told = waits ? found.waits_for + " (" + assigned.trouble + ")" : assigned.trouble;
    progress.push_back({partition, assigned.log_end, assigned.owner, assigned.told});
    if (assigned.projector) progress.back().computed = assigned.projector->computed_progress();
  }
  for (const Held& held : away_) {
    progress.push_back({held.partition, held.log_end, held.owner, log_trouble_});
  }
  tell_whom_it_has();
  if (progress.empty()) return;
  const auto views = presence_.show(progress);
  if (!views) return;
  auto view = views->begin();
  for (auto& [partition, assigned] : assigned_) compare(partition, assigned, *view++);
}

void Worker::show_group() {
  std::vector<PartitionProgress> flushed;
  for (const auto& [partition, assigned] : assigned_) {
    if (assigned.projector) flushed.push_back({partition, assigned.projector->flushed()});
  }
  if (!flushed.empty()) reader_->show_progress(flushed);
  // A group does not say that it has nothing to give because there is nothing.
  if (assigned_.empty()) require_stream();
}

// A partition to which no record comes learns nowhere else that another has taken it, or that its
// view is another than the one it was folded into: one restored from a backup.
void Worker::compare(Partition partition, Assigned& assigned,
                     const std::optional<ViewPosition>& view) {
  if (!assigned.projector || assigned.projector->in_doubt()) return;
  guarded(partition, assigned, [&] {
    if (!view) throw Fenced("another process took the partition, or its row is gone from the view");
    if (assigned.projector->reflected_by(*view)) return;
    spdlog::warn("view moved projection={} partition={} from={} to={}", projection_.name,
                 partition.value, assigned.projector->flushed().value, view->position.value);
    take_anew(partition, assigned);
  });
}

}  // namespace sluice

// What a worker says of its partitions once a second, and what it learns by that.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "projectors/engine/run/worker.h"
#include "storage/base/errors.h"

namespace sluice {

// For who has the whole log in view: where it is another than the views', nothing more is folded.
void Worker::heed_log() {
  const std::optional<std::string> wrong = parts_.wrong_log();
  for (auto& [partition, assigned] : assigned_) {
    if (!wrong && std::exchange(assigned.another_log, false)) assigned.stopped = false;
    if (!wrong || assigned.stopped) continue;
    guarded(partition, assigned, [&] { throw Corrupt(*wrong); });
    assigned.another_log = true;
  }
}

// While nothing else is known of what the view lacks, it is later than what the view has, and than
// when it lacked nothing.
HeldPartition Worker::held(Partition partition, Assigned& assigned) const {
  HeldPartition held{.partition = partition,
                     .owner = assigned.owner,
                     .trouble = assigned.told,
                     .log_end = assigned.log_end,
                     .fetched = assigned.projector != nullptr && !assigned.paused};
  if (const Projector* projector = assigned.projector.get()) {
    assigned.flushed = projector->flushed();
    assigned.complete_at = std::max(assigned.complete_at, projector->newest_seen());
    held.folded = projector->position();
    const PartitionState& state = projector->folded().state();
    held.dirty_rows = state.tables().dirty_rows();
    held.dirty_bytes = state.tables().dirty_bytes();
    held.row_bytes = state.tables().row_bytes();
    held.dedupe_bytes = state.dedupe().bytes();
    held.oldest = projector->oldest_unseen();
  }
  const bool complete = assigned.flushed && *assigned.flushed >= assigned.log_end;
  if (complete && assigned.trouble.empty() && assigned.told.empty()) assigned.complete_at = wall_;
  held.position = assigned.flushed;
  held.complete_at = assigned.complete_at;
  return held;
}

void Worker::tell_whom_it_has() {
  std::vector<HeldPartition> all;
  for (auto& [partition, assigned] : assigned_) all.push_back(held(partition, assigned));
  for (const HeldPartition& left : away_) {
    all.push_back(left);
    all.back().trouble = log_trouble_;
    all.back().fetched = false;
  }
  parts_.probe.holds(config_.name, std::move(all));
}

void Worker::note_recovery(Partition partition, Assigned& assigned) {
  const Projector* projector = assigned.projector.get();
  if (projector == nullptr) return;
  const Recovery before = std::exchange(assigned.began, projector->recovery());
  if (!projector->awaited()) {
    assigned.began.took =
        std::chrono::duration_cast<std::chrono::milliseconds>(now_ - assigned.claimed_at);
  }
  // From an older snapshot, or from the start, once the log has shown that it is another.
  if (before.refused.size() != assigned.began.refused.size()) {
    parts_.probe.taken(label(partition), assigned.began);
  } else {
    parts_.probe.recovering(label(partition), assigned.began);
  }
}

// What those who look at the worker found out is news to it, too.
void Worker::take_note(Partition partition, Assigned& assigned) {
  const Probe::Found found = parts_.probe.found(label(partition));
  // The reader of a partition that is held back hears of no end.
  if (assigned.paused || !assigned.projector) {
    assigned.log_end = std::max(assigned.log_end, found.log_end);
  }
  assigned.told = assigned.trouble.empty() ? found.log_trouble : assigned.trouble;
  if (assigned.told.empty()) assigned.told = presence_.lacks();
  // Why a flush failed by itself does not say who was in its way.
  if (!assigned.trouble.empty() && !found.lock.empty()) {
    assigned.told = found.lock + " (" + assigned.trouble + ")";
  }
}

void Worker::show_progress() {
  enter(WorkerPhase::beating);
  next_progress_ = now_ + config_.progress_interval;
  heed_log();
  look_at_generation();
  std::vector<LogProgress> progress;
  for (auto& [partition, assigned] : assigned_) {
    take_note(partition, assigned);
    progress.push_back({partition, assigned.log_end, assigned.owner, assigned.told});
    progress.back().unseen = freshness(held(partition, assigned), assigned.log_end, wall_);
    if (assigned.projector) progress.back().computed = assigned.projector->computed_progress();
  }
  for (const HeldPartition& left : away_) {
    progress.push_back({left.partition, left.log_end, left.owner, log_trouble_});
  }
  const bool has_none = !reader_ && assigned_.empty() && away_.empty();
  for (int p = 0; has_none && !log_trouble_.empty() && p < generation_.partitions; ++p) {
    progress.push_back({Partition{p}, Offset{0}, config_.instance, log_trouble_});
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
  if (assigned_.empty()) partitions_of_stream();
}

// Between two steps: a store has no batch of its partition half written.
void Worker::serve_errands() {
  if (parts_.errands == nullptr || !parts_.errands->any()) return;
  for (auto& [partition, assigned] : assigned_) {
    const Projector* projector = assigned.projector.get();
    if (projector == nullptr || !projector->intact()) continue;
    enter(WorkerPhase::answering, partition);
    OwnedPartition owned{.partition = partition,
                         .generation = generation_,
                         .store = *assigned.store,
                         .written = projector->written(),
                         .flushed = projector->flushed(),
                         .replaying = projector->replaying(),
                         .settled = projector->settled(),
                         .lent = assigned.lent};
    parts_.errands->serve({std::string(projection_.name), generation_.number, partition}, owned);
  }
  enter(WorkerPhase::folding);
}

// A person may have set the view back, or restored it: then what stood against folding may be over.
void Worker::go_on_if_changed(Assigned& assigned, const std::optional<ViewPosition>& view) {
  if (!view) return;
  if (!assigned.stopped_view) assigned.stopped_view = view;
  if (view->position == assigned.stopped_view->position &&
      view->digest == assigned.stopped_view->digest && view->log == assigned.stopped_view->log) {
    return;
  }
  assigned.stopped_view.reset();
  assigned.stopped = false;
}

// A partition to which no record comes learns nowhere else that another has taken it, or that its
// view is another than the one it was folded into: one restored from a backup.
void Worker::compare(Partition partition, Assigned& assigned,
                     const std::optional<ViewPosition>& view) {
  // Without a projector nothing else tells where the view is now; where another has it, it does.
  if (!assigned.projector) {
    assigned.flushed = view ? std::optional(view->position) : std::nullopt;
  }
  if (assigned.stopped) return go_on_if_changed(assigned, view);
  if (!assigned.projector || assigned.projector->in_doubt()) return;
  guarded(partition, assigned, [&] {
    if (!view) throw Fenced("another process took the partition, or its row is gone from the view");
    if (assigned.projector->view().is_at(*view)) return;
    spdlog::warn("view moved projection={} partition={} from={} to={}", projection_.name,
                 partition.value, assigned.projector->flushed().value, view->position.value);
    take_anew(partition, assigned);
  });
}

}  // namespace sluice

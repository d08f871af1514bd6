#include "projectors/engine/run/state_recovery.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "storage/base/crash_point.h"
#include "storage/base/errors.h"
#include "storage/base/record_digest.h"

namespace sluice {
namespace {

std::string text(Offset offset) { return std::to_string(offset.value); }

bool is(const StateCheckpoint& stored, const KeptSnapshot& snapshot) {
  return stored.position() == snapshot.position.value && stored.digest() == snapshot.digest.value &&
         stored.published() == snapshot.published;
}

}  // namespace

StateRecovery::StateRecovery(Of of, const Parts& parts)
    : of_(std::move(of)), parts_(parts), choice_(of_.snapshots, parts.snapshots, so_far_.refused) {}

void StateRecovery::stop(const std::string& why) const {
  throw Corrupt(of_.name + " is stopped, nothing was changed: " + why);
}

std::string StateRecovery::fold_anew() const {
  return "let `sluice schema apply --refold " + of_.projection +
         "` fold anew what there is (docs/start_checks.md)";
}

void StateRecovery::begin(LogRange log) {
  require_same_log(log);
  log_ = log;
  so_far_ = {};
  choice_.begin_anew();
  begun_from_.clear();
  begin(Restores::beside);
}

void StateRecovery::require_same_log(LogRange log) const {
  const ViewPosition& view = parts_.view;
  const auto found = view.log ? parts_.log_identity() : std::nullopt;
  if (found && found != view.log) {
    stop("the view stands on the log " + std::string(view.log->short_form()) +
         ", and what has its name now is " + std::string(found->short_form()) +
         ": it was deleted and made anew, or this is another log. Restore the one of before, or " +
         fold_anew());
  }
  if (log.end >= view.known()) return;
  stop("the log ends at " + text(log.end) + " and the view was folded up to " + text(view.known()) +
       ": the log lost records or was made anew. Restore it, or " + fold_anew());
}

// What cannot be read is as good as lost where there are snapshots; else somebody is to look at it.
std::optional<StateCheckpoint> StateRecovery::stored_or_damaged() {
  try {
    return parts_.fold.state().stored();
  } catch (const Corrupt& damage) {
    if (!choice_.any()) throw;
    spdlog::error("state is damaged partition={} error=\"{}\"", of_.snapshots.label, damage.what());
    return std::nullopt;
  }
}

std::optional<StateCheckpoint> StateRecovery::usable_state() {
  const ViewPosition& view = parts_.view;
  std::optional<StateCheckpoint> stored;
  if (begun_from_.empty()) stored = stored_or_damaged();
  begun_from_.clear();
  // A state that has published more than its view knows is ahead of it, wherever both stand.
  if (!stored || stored->position() > view.known().value || stored->published() > view.published) {
    return std::nullopt;
  }
  if (Offset{stored->position()} == view.known() && Digest{stored->digest()} != view.digest) {
    const std::string path = choice_.snapshot_of(view.known(), Digest{stored->digest()});
    if (path.empty()) return stored;
    choice_.refuse(path, SnapshotFault::log);
    return std::nullopt;
  }
  return stored;
}

// State behind the view is replayed up to it; in the place of one that is ahead of it (the view was
// restored from a backup) or of other rules comes the newest snapshot that may be begun from, or
// nothing. While rows are in state alone, the view knows of it by what it was told.
void StateRecovery::begin(Restores how) {
  PartitionFold& fold = parts_.fold;
  std::optional<StateCheckpoint> stored = usable_state();
  Recovery::From from = stored ? Recovery::From::state : Recovery::From::start;
  if (!stored) {
    if (const std::optional<KeptSnapshot> kept = restore_newest(how)) {
      begun_from_ = kept->path;
      from = Recovery::From::snapshot;
      stored = fold.state().stored();
    }
  }
  const Offset start{stored ? stored->position() : 0};
  const LogRange log = log_;
  if (log.begin > start) {
    stop(
        "the log begins at " + text(log.begin) + " and folding must go on at " + text(start) +
        ": retention took records that were still needed. Restore them, or a state that reaches as "
        "far, or " +
        fold_anew());
  }
  if (stored && start == parts_.view.known() && Digest{stored->digest()} != parts_.view.digest) {
    stop("state and view are both at " + text(start) +
         " but were folded from different records: one of them belongs to another log. Restore the "
         "one that does, or " +
         fold_anew());
  }
  to_check_.reset();
  if (start > log.begin) to_check_ = Offset{start.value - 1};
  if (stored) {
    fold.drop();
    fold.load();
  } else {
    fold.reset();
    crash_point(CrashPoint("claim.state_cleared"));
  }
  so_far_ = {from, fold.position(), 0, {}, std::move(so_far_.refused)};
}

// The worker has other partitions: it does not wait here, and claims this one again.
bool StateRecovery::is_torn(const KeptSnapshot& snapshot) {
  switch (parts_.snapshots->bring(snapshot)) {
    case StateSnapshots::Brought::whole:
      return false;
    case StateSnapshots::Brought::torn:
      return true;
    case StateSnapshots::Brought::under_way:
      break;
  }
  throw Retryable("the state is being brought from the snapshot " + snapshot.path);
}

std::optional<KeptSnapshot> StateRecovery::restore_newest(Restores how) {
  return choice_.restore_newest({parts_.view, log_}, [this, how](const KeptSnapshot& snapshot) {
    return restore(snapshot, how);
  });
}

bool StateRecovery::restore(const KeptSnapshot& snapshot, Restores how) {
  if (how == Restores::beside && is_torn(snapshot)) return false;
  // Nothing that was at hand is of this state.
  parts_.fold.drop();
  intact_ = false;
  const bool restored = parts_.snapshots->restore(snapshot);
  intact_ = true;
  if (!restored) return false;
  crash_point(CrashPoint("claim.snapshot_restored"));
  const std::optional<StateCheckpoint> stored = parts_.fold.state().stored();
  return stored && is(*stored, snapshot);
}

// False: it was no snapshot that folding began from. Else it began anew, from an older one.
bool StateRecovery::refuses_begun_snapshot() {
  const PartitionFold& fold = parts_.fold;
  if (begun_from_.empty()) begun_from_ = choice_.snapshot_of(fold.position(), fold.digest());
  if (begun_from_.empty()) return false;
  choice_.refuse(begun_from_, SnapshotFault::log);
  // Nothing may be folded onto the refused state meanwhile.
  begin(Restores::at_once);
  return true;
}

void StateRecovery::check(const LogRecord& record) {
  const Offset expected = to_check_.value();
  if (record.offset == expected && digest_of(record) == parts_.fold.digest()) {
    return to_check_.reset();
  }
  if (refuses_begun_snapshot()) return;
  stop("the record at " + text(expected) +
       " is not the one that was folded: the log lost its tail and grew again, or was made anew. "
       "Restore it, or " +
       fold_anew());
}

std::optional<Offset> StateRecovery::awaited() const {
  if (to_check_) return to_check_;
  return replaying() ? std::optional(Offset{parts_.view.known().value - 1}) : std::nullopt;
}

void StateRecovery::stop_at_missing_record() const {
  stop("the log has no record at " + text(awaited().value_or(Offset{-1})) +
       ", which the view was folded from: the log lost records or was made anew. Restore it, or " +
       fold_anew());
}

void StateRecovery::miss_record() {
  if (!to_check_ || !refuses_begun_snapshot()) stop_at_missing_record();
}

void StateRecovery::require_replayed(Offset offset) const {
  if (offset >= parts_.view.known()) stop_at_missing_record();
}

bool StateRecovery::replayed() {
  ++so_far_.records;
  if (parts_.fold.position() != parts_.view.known()) return false;
  if (parts_.fold.digest() != parts_.view.digest) {
    stop("replaying the log up to " + text(parts_.view.known()) +
         " ends with another record than the view was folded from: the log lost its tail and grew "
         "again, or was made anew. Restore it, or " +
         fold_anew());
  }
  return true;
}

}  // namespace sluice

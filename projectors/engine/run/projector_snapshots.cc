// In the place of a state that is lost, or that cannot be used: the newest snapshot that can.

#include <spdlog/spdlog.h>

#include "projectors/engine/run/projector.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

bool is(const StateCheckpoint& stored, const KeptSnapshot& snapshot) {
  return stored.position() == snapshot.position.value && stored.digest() == snapshot.digest.value &&
         stored.published() == snapshot.published;
}

}  // namespace

// What cannot be read is as good as lost where there are snapshots; else somebody is to look at it.
std::optional<StateCheckpoint> Projector::stored_or_damaged() {
  try {
    return fold_.state().stored();
  } catch (const Corrupt& damage) {
    if (!choice_.any()) throw;
    spdlog::error("state is damaged partition={} error=\"{}\"", label_, damage.what());
    return std::nullopt;
  }
}

// The worker has other partitions: it does not wait here, and claims this one again.
bool Projector::is_torn(const KeptSnapshot& snapshot) {
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

std::optional<KeptSnapshot> Projector::restore_newest(Restores how) {
  return choice_.restore_newest(
      {view_, log_}, [this, how](const KeptSnapshot& snapshot) { return restore(snapshot, how); });
}

bool Projector::restore(const KeptSnapshot& snapshot, Restores how) {
  if (how == Restores::beside && is_torn(snapshot)) return false;
  // Nothing that was at hand is of this state.
  fold_.drop();
  intact_ = false;
  const bool restored = parts_.snapshots->restore(snapshot);
  intact_ = true;
  if (!restored) return false;
  crash_point(CrashPoint("claim.snapshot_restored"));
  const std::optional<StateCheckpoint> stored = fold_.state().stored();
  return stored && is(*stored, snapshot);
}

// False: it was no snapshot that folding began from. Else it began anew, from an older one.
bool Projector::refuses_begun_snapshot() {
  if (begun_from_.empty()) begun_from_ = choice_.snapshot_of(fold_.position(), fold_.digest());
  if (begun_from_.empty()) return false;
  choice_.refuse(begun_from_, SnapshotFault::log);
  // Nothing may be folded onto the refused state meanwhile.
  begin(Restores::at_once);
  return true;
}

void Projector::miss_record() {
  if (!to_check_ || !refuses_begun_snapshot()) stop_at_missing_record();
}

}  // namespace sluice

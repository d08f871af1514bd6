#include "projectors/engine/run/snapshot_choice.h"

#include <spdlog/spdlog.h>

#include <cstddef>
#include <utility>

namespace sluice {
namespace {

// Of those that are told of, not of those that are looked at.
constexpr std::size_t kToldMax = 16;

}  // namespace

SnapshotChoice::SnapshotChoice(Of of, StateSnapshots* snapshots, std::vector<RefusedSnapshot>& told)
    : of_(std::move(of)), snapshots_(snapshots), told_(told) {}

// Whether what it says of itself stands against it. That its last record is the log's is known
// when the log has shown it.
std::optional<SnapshotFault> SnapshotChoice::fault_of(const KeptSnapshot& snapshot,
                                                      const Stand& stand) const {
  if (snapshot.fault) return snapshot.fault;
  if (snapshot.generation_id != of_.generation_id) return SnapshotFault::alien;
  if (snapshot.version != of_.version) return SnapshotFault::version;
  const Offset known = stand.view.known();
  if (snapshot.position > known || snapshot.published > stand.view.published) {
    return SnapshotFault::ahead;
  }
  const bool differs = snapshot.position == known && snapshot.digest != stand.view.digest;
  // What retention has taken since cannot be folded any more.
  if (differs || snapshot.position > stand.log.end || snapshot.position < stand.log.begin) {
    return SnapshotFault::log;
  }
  return std::nullopt;
}

std::optional<KeptSnapshot> SnapshotChoice::restore_newest(const Stand& stand,
                                                           const Restore& restore) {
  if (snapshots_ == nullptr) return std::nullopt;
  for (KeptSnapshot& snapshot : snapshots_->list()) {
    // One that turned out to be of another log still is.
    if (refused_.contains(snapshot.path)) continue;
    std::optional<SnapshotFault> fault = fault_of(snapshot, stand);
    if (!fault) {
      if (restore(snapshot)) return std::move(snapshot);
      fault = SnapshotFault::torn;
    }
    refuse(snapshot.path, *fault);
  }
  return std::nullopt;
}

void SnapshotChoice::refuse(const std::string& path, SnapshotFault fault) {
  spdlog::warn("snapshot refused partition={} path={} fault={}", of_.label, path, word(fault));
  refused_.insert(path);
  if (told_.size() < kToldMax) told_.push_back({path, fault});
}

std::string SnapshotChoice::snapshot_of(Offset position, Digest digest) {
  if (snapshots_ == nullptr) return {};
  for (const KeptSnapshot& snapshot : snapshots_->list()) {
    if (snapshot.position == position && snapshot.digest == digest &&
        !refused_.contains(snapshot.path)) {
      return snapshot.path;
    }
  }
  return {};
}

}  // namespace sluice

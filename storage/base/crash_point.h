#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice {

// Every point at which SLUICE_CRASH_AT can end the process.
inline constexpr std::array<std::string_view, 27> kCrashPoints = {
    "ingest.before_append",     // admitted, not in the log
    "ingest.after_append",      // in the log, not answered
    "claim.owned",              // the view names a new owner, who has folded nothing yet
    "claim.state_cleared",      // state ahead of the view is gone, and nothing of it folded again
    "claim.state_removed",      // a snapshot is about to take the place of state that is gone
    "claim.snapshot_restored",  // it has, and nothing is folded on
    "snapshot.checkpointed",    // state is linked beside itself, no snapshot is begun
    "snapshot.files_made",      // all files of a snapshot are there, and nothing says so
    "snapshot.described",       // it is whole, nobody has been answered
    "replay.finished",          // state has caught up with the view
    "flush.emitted",            // what was emitted is in its streams, the view has not moved
    "flush.before",             // folded, in memory only
    "flush.rows_copied",        // rows are in the transaction, which is not committed
    "flush.committed",          // the view has moved, state has not
    "flush.state_written",      // both have
    "generation.made",          // for a new version by itself; nobody folds it yet
    "generation.compared",      // before it promotes itself; its differences are recorded
    "bulk.noted",               // what bulk folding refused is told, and not yet in state
    "load.before",              // state is whole, the view has no rows
    "load.rows_copied",         // a partition's rows are in the transaction, which is not committed
    "load.committed",           // the view has them
    "generation.keys_made",     // all keys and indexes are, in a transaction that is not committed
    "progress.shown",           // the group knows the position
    "swap.positions_locked",    // both generations stand at one position, and their owners wait
    "swap.marked",              // and the mark of that is committed
    "swap.views_made",  // views are onto the other one, in a transaction that is not committed
    "swap.committed",   // readers see the other one; what stood before is not taken away yet
};

// One of kCrashPoints: another name does not compile.
class CrashPoint {
 public:
  consteval explicit CrashPoint(std::string_view name) : name_(name) {
    if (std::ranges::count(kCrashPoints, name) != 1) throw "no such crash point";
  }
  [[nodiscard]] std::string_view name() const { return name_; }

 private:
  std::string_view name_;
};

// Ends the process at once, with status 137 as kill -9 would, where arm_crash_point() said so: for
// tests of what survives. Otherwise one comparison.
void crash_point(CrashPoint point);

// What SLUICE_CRASH_AT says: "flush.committed" dies there the first time, "flush.committed:3" the
// third. Once, before there are other threads. Throws Misconfigured for what can never happen.
void arm_crash_point(std::string_view fate);

}  // namespace sluice

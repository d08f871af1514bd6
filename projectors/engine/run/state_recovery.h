#pragma once

// Where folding begins when a partition is taken, and whether its log is the one that was folded
// before: by the partition's view, its state, snapshots of that, and what the log has.

#include <functional>
#include <optional>
#include <string>

#include "projectors/engine/fold/partition_fold.h"
#include "projectors/engine/run/partition_counts.h"
#include "projectors/engine/run/snapshot_choice.h"
#include "storage/base/log_identity.h"
#include "storage/base/position.h"
#include "storage/event_log.h"
#include "storage/log_topology.h"
#include "storage/projection_sink.h"
#include "storage/state_snapshots.h"

namespace sluice {

// Used by the projector's thread. Corrupt: the log does not hold what was folded; nothing was
// changed. Throws what the store and snapshots of it throw.
class StateRecovery {
 public:
  struct Of {
    std::string projection;
    std::string name;  // for messages: "deliberation partition 3"
    SnapshotChoice::Of snapshots;
  };
  // All outlive this.
  struct Parts {
    PartitionFold& fold;
    const ViewPosition& view;   // where its owner left it
    StateSnapshots* snapshots;  // of the fold's store; null: there are none
    const std::function<std::optional<LogIdentity>()>& log_identity;
  };
  StateRecovery(Of of, const Parts& parts);

  // The view was taken, and the log is this: the fold stands where folding begins. Retryable: a
  // snapshot is being brought, which this does not wait for.
  void begin(LogRange log);

  // The state is behind the view and folds what the view already has.
  [[nodiscard]] bool replaying() const { return parts_.fold.position() < parts_.view.known(); }
  // The offset of the last folded record, until the log has shown it: check() is then given that
  // record, and nothing is folded.
  [[nodiscard]] const std::optional<Offset>& to_check() const { return to_check_; }
  // Where a snapshot was begun from that is not of this log, the fold begins anew from an older one
  // or from nothing.
  void check(const LogRecord& record);
  // The offset of the last record that the state or the view was folded from and that the log has
  // yet to show; nullopt: it has shown it.
  [[nodiscard]] std::optional<Offset> awaited() const;
  // The log shows nothing more, though a record is awaited. As check().
  void miss_record();
  // While replaying: the record at this offset is the next.
  void require_replayed(Offset offset) const;
  // A record was replayed. True: the state has caught up with the view, which is checked.
  [[nodiscard]] bool replayed();

  // How far it has come since begin(); how long it takes is not known here.
  [[nodiscard]] const Recovery& so_far() const { return so_far_; }
  // False after a failure in the middle of bringing a snapshot into the place of the state.
  [[nodiscard]] bool intact() const { return intact_; }

 private:
  void require_same_log(LogRange log) const;
  // Beside: throws Retryable while a snapshot is brought. At once: waits for it.
  enum class Restores { beside, at_once };
  void begin(Restores how);
  [[nodiscard]] std::optional<StateCheckpoint> usable_state();
  [[nodiscard]] std::optional<StateCheckpoint> stored_or_damaged();
  [[nodiscard]] std::optional<KeptSnapshot> restore_newest(Restores how);
  // Puts the snapshot in the place of the state. False: it is not whole.
  [[nodiscard]] bool restore(const KeptSnapshot& snapshot, Restores how);
  [[nodiscard]] bool is_torn(const KeptSnapshot& snapshot);
  [[nodiscard]] bool refuses_begun_snapshot();
  [[noreturn]] void stop_at_missing_record() const;
  [[noreturn]] void stop(const std::string& why) const;
  // The command that does, in words.
  [[nodiscard]] std::string fold_anew() const;

  const Of of_;
  const Parts parts_;
  LogRange log_;            // at begin()
  std::string begun_from_;  // the snapshot; "": another state, or none
  std::optional<Offset> to_check_;
  Recovery so_far_;
  SnapshotChoice choice_;  // refuses since begin()
  bool intact_ = true;
};

}  // namespace sluice

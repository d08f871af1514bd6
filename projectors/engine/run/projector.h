#pragma once

// Runs one projection over one partition: folds records, flushes what changed, and makes state,
// view and log agree again after a crash. The order of its steps is the protocol of
// docs/protocol.md.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "projectors/engine/computed/computed_partition.h"
#include "projectors/engine/fold/partition_fold.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/run/changed_rows.h"
#include "projectors/engine/run/flush_account.h"
#include "projectors/engine/run/partition_counts.h"
#include "projectors/engine/run/projector_parts.h"
#include "projectors/engine/run/snapshot_choice.h"
#include "projectors/engine/tables/row_memory.h"
#include "storage/base/position.h"
#include "storage/event_log.h"
#include "storage/flush_batch.h"
#include "storage/log_topology.h"
#include "storage/projection_sink.h"
#include "storage/state_store.h"

namespace sluice {

// One a partition and owner, used by one thread. Every function throws what the sink and the store
// throw. One that is no longer intact() holds nothing that may be used: drop it and make another.
class Projector {
 public:
  // `owner` is unique for each projector that ever lives. All references must outlive it.
  Projector(const Projection& projection, const Generation& generation, Partition partition,
            std::string owner, ProjectorParts parts);

  // Takes the partition: from now on no other owner's flush passes. Decides from view, state and
  // the log's range where folding begins, and returns from where to read. Corrupt: the log does not
  // hold what the view was folded from; nothing was changed.
  Offset claim(LogRange log);

  // Folds the record, or checks it, while the log is compared with what was folded before. Where
  // the domain's rules threw, what was folded since the last write is dropped: reads_from() is then
  // not behind the record, but before it, or at it. Corrupt: the log is not the one that the state
  // or the view was folded from.
  void fold(const LogRecord& record);

  // Makes folded work and finished computations durable: what was emitted in its streams, rows and
  // position in the view, then state; in bulk, what was refused in the view and the rest in state.
  // Does nothing when there is none, or while the state catches up with the view. Retryable:
  // nothing was changed but streams, everything is still held, try again. A commit whose answer was
  // lost leaves it unsettled.
  void flush(Offset log_end);

  // Folds into state alone, until load(): the view has no rows of the partition.
  [[nodiscard]] bool in_bulk() const { return !view_.loaded; }
  // Whether all that the view was told of while in bulk is folded.
  [[nodiscard]] bool may_load() const;
  // Writes all rows to the view. Errors as flush(); the answer may be lost as there.
  // `share`: the part of its time that writing may take.
  void load(Offset log_end, double share = 1);

  // An unsettled flush or load is settled before anything else is folded. Retryable: still
  // unsettled.
  void resolve_in_doubt();
  [[nodiscard]] bool in_doubt() const { return in_doubt_.has_value(); }
  // Whether readers saw its generation when it was made.
  [[nodiscard]] bool live() const { return generation_.live; }

  // To be called now and then, whether anything is folded or not.
  void maintain();
  // To be called while nothing is folded: where other partitions are short of memory for rows, this
  // one drops its unchanged rows, and reads them from state when the next record needs them.
  void rest();
  // Whether a computation is finished and its rows are not yet flushed.
  [[nodiscard]] bool computed() const { return computed_ && computed_->finished(); }
  // Whether what is due is computed at once, whatever its pace, also of keys that wait.
  void hurry(bool hurries) {
    if (computed_) computed_->hurry(hurries);
  }
  // None while that is not known, or if the projection computes nothing.
  [[nodiscard]] std::optional<ComputedProgress> computed_progress() const {
    return computed_ ? computed_->progress() : std::nullopt;
  }
  // Whether anything was folded that is not yet flushed.
  [[nodiscard]] bool pending() const { return fold_.position() > view_.known(); }
  // What rows hold in memory, and of these those that are to be written.
  [[nodiscard]] std::size_t row_bytes() const { return fold_.tables().row_bytes(); }
  [[nodiscard]] std::size_t dirty_rows() const { return fold_.tables().dirty_rows(); }
  [[nodiscard]] std::size_t dirty_bytes() const { return fold_.tables().dirty_bytes(); }
  [[nodiscard]] std::size_t dedupe_bytes() const { return fold_.state().dedupe().bytes(); }
  // When the log got the first record that is folded and not yet flushed, and the last that is
  // flushed, by its own stamps; nullopt: none is, or the log did not stamp it.
  [[nodiscard]] std::optional<Time> oldest_unseen() const {
    return pending() ? account_.oldest_unseen() : std::nullopt;
  }
  [[nodiscard]] std::optional<Time> newest_seen() const { return account_.newest_seen(); }
  // Whether memory asks for a flush now.
  [[nodiscard]] bool full() const;
  // State is behind the view and folds what the view already has.
  [[nodiscard]] bool replaying() const { return fold_.position() < view_.known(); }
  // State and view are at one position, all that the log has shown of what was folded before: from
  // now on nothing begins anew until it is claimed again.
  [[nodiscard]] bool settled() const {
    return intact_ && !in_bulk() && !replaying() && !in_doubt() && !awaited() &&
           written_ == view_.position;
  }
  // How far it has come with that since claim(); how long it takes is not known here.
  [[nodiscard]] const Recovery& recovery() const { return recovery_; }

  // False after a failure in the middle of a fold or of writing state, and after Fenced or Corrupt.
  [[nodiscard]] bool intact() const { return intact_; }

  [[nodiscard]] Partition partition() const { return partition_; }
  [[nodiscard]] Offset position() const { return fold_.position(); }
  // The offset of the record to give to fold() next.
  [[nodiscard]] Offset reads_from() const { return to_check_.value_or(fold_.position()); }
  [[nodiscard]] Offset flushed() const { return view_.position; }
  // The position of what the store has.
  [[nodiscard]] Offset written() const { return written_; }
  // The offset of the last record that the state or the view was folded from and that the log has
  // yet to show; nullopt: it has shown it.
  [[nodiscard]] std::optional<Offset> awaited() const;
  // The log shows nothing more, though a record is awaited: throws Corrupt, but where a snapshot
  // was begun from, which is then not of this log. Else reads_from() goes back.
  void miss_record();
  // Whether the view is where this left it; not while a flush is in doubt.
  [[nodiscard]] bool reflected_by(const ViewPosition& view) const {
    return view.position == view_.position && view.digest == view_.digest &&
           view.published == view_.published && view.loaded == view_.loaded &&
           view.folded == view_.folded;
  }
  // When the first timer is due; nullopt: none is set.
  [[nodiscard]] std::optional<Time> next_due() const { return fold_.next_due(); }

 private:
  struct InDoubtFlush {
    Offset to;
    Digest digest;
    Offset log_end;
    std::int64_t published = 0;  // at `to`
    bool loads = false;
    double share = 1;
  };

  // Tells the other partitions how much is held here.
  void show_held();
  // Forgets what is at hand beyond our part of memory.
  void shrink();
  void require_same_log() const;
  void note_log();
  // Beside: throws Retryable while a snapshot is brought. At once: waits for it.
  enum class Restores { beside, at_once };
  void begin(Restores how);
  [[nodiscard]] std::optional<StateCheckpoint> stored_or_damaged();
  // projector_snapshots.cc
  [[nodiscard]] std::optional<KeptSnapshot> restore_newest(Restores how);
  // Puts the snapshot in the place of the state. False: it is not whole.
  [[nodiscard]] bool restore(const KeptSnapshot& snapshot, Restores how);
  [[nodiscard]] bool is_torn(const KeptSnapshot& snapshot);
  [[nodiscard]] bool refuses_begun_snapshot();
  [[noreturn]] void stop_at_missing_record() const;
  void check_against_log(const LogRecord& record, Offset expected);
  void finish_replay();
  // Nothing stands against it any more.
  void begin_computing();
  void note_due();
  void write_replayed();
  // note_due() was before.
  void write_state();
  // projector_repair.cc
  void repair(const std::string& key);
  void commit(const InDoubtFlush& flush);
  void committed(const InDoubtFlush& flush);
  // `visible`: the view shows it from now on.
  void tell_flushed(bool visible = true);
  // projector_bulk.cc
  void write_bulk(Offset log_end);
  void commit_load(const InDoubtFlush& flush);
  void loaded(const InDoubtFlush& flush);
  [[noreturn]] void stop(const std::string& why) const;

  const Projection projection_;
  const Generation generation_;
  const Partition partition_;
  const std::string owner_;
  const ProjectorParts parts_;
  RowMemory::Holder held_{parts_.memory};
  const std::string label_;      // for the probe: "deliberation:3"
  const std::string name_;       // for messages: "deliberation partition 3"
  const std::string fold_anew_;  // the command that does, in words
  PartitionFold fold_;
  std::unique_ptr<ComputedPartition> computed_;  // null: the projection has nothing computed

  ViewPosition view_;
  LogRange log_;            // at claim()
  std::string begun_from_;  // the snapshot; "": another state, or none
  std::optional<Offset>
      to_check_;  // the offset of the last folded record, until the log has shown it
  std::optional<InDoubtFlush> in_doubt_;
  Offset written_;  // the state's position
  Recovery recovery_;
  SnapshotChoice choice_;  // refuses since claim()
  FlushAccount account_;
  bool asked_for_log_ = false;
  bool intact_ = true;

  // Of the flush at hand; reused.
  ChangedRows rows_;
  std::optional<ComputedRows> repaired_;  // of a key that is repaired by it
  StateBatch batch_;
};

}  // namespace sluice

#pragma once

// Runs one projection over one partition: folds records, flushes what changed, and makes state,
// view and log agree again after a crash. The order of its steps is the protocol of
// docs/protocol.md.

#include <memory>
#include <optional>
#include <string>

#include "projectors/engine/computed/computed_partition.h"
#include "projectors/engine/fold/partition_fold.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/run/changed_rows.h"
#include "projectors/engine/run/flush_account.h"
#include "projectors/engine/run/owned_view.h"
#include "projectors/engine/run/partition_counts.h"
#include "projectors/engine/run/projector_parts.h"
#include "projectors/engine/run/state_recovery.h"
#include "projectors/engine/tables/row_share.h"
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
  [[nodiscard]] bool in_bulk() const { return !view_.at().loaded; }
  // Whether all that the view was told of while in bulk is folded.
  [[nodiscard]] bool may_load() const;
  // Writes all rows to the view. Errors as flush(); the answer may be lost as there.
  // `share`: the part of its time that writing may take.
  void load(Offset log_end, double share = 1);

  // An unsettled flush or load is settled before anything else is folded. Retryable: still
  // unsettled.
  void resolve_in_doubt();
  [[nodiscard]] bool in_doubt() const { return view_.in_doubt().has_value(); }

  // To be called now and then, whether anything is folded or not.
  void maintain();
  // To be called while nothing is folded: as RowShare::rest().
  void rest();
  // Whether a computation is finished and its rows are not yet flushed.
  [[nodiscard]] bool computed() const { return computed_ && computed_->finished(); }
  // Whether what is due is computed at once, whatever its pace, also of keys that wait.
  void hurry(bool hurries);
  // None while that is not known, or if the projection computes nothing.
  [[nodiscard]] std::optional<ComputedProgress> computed_progress() const;
  // Whether anything was folded that is not yet flushed.
  [[nodiscard]] bool pending() const { return fold_.position() > view_.at().known(); }
  // When the log got the first record that is folded and not yet flushed, and the last that is
  // flushed, by its own stamps; nullopt: none is, or the log did not stamp it.
  [[nodiscard]] std::optional<Time> oldest_unseen() const;
  [[nodiscard]] std::optional<Time> newest_seen() const { return account_.newest_seen(); }
  // Whether memory asks for a flush now.
  [[nodiscard]] bool full() const;
  // As StateRecovery has them, of which this tells since claim().
  [[nodiscard]] bool replaying() const { return recovery_.replaying(); }
  [[nodiscard]] std::optional<Offset> awaited() const { return recovery_.awaited(); }
  void miss_record() { recovery_.miss_record(); }
  [[nodiscard]] const Recovery& recovery() const { return recovery_.so_far(); }
  // State and view are at one position, all that the log has shown of what was folded before: from
  // now on nothing begins anew until it is claimed again.
  [[nodiscard]] bool settled() const;
  // False after a failure in the middle of a fold or of writing state, and after Fenced or Corrupt.
  [[nodiscard]] bool intact() const { return intact_ && recovery_.intact(); }

  [[nodiscard]] Partition partition() const { return partition_; }
  // Whether readers saw its generation when it was made.
  [[nodiscard]] bool live() const { return generation_.live; }
  [[nodiscard]] const PartitionFold& folded() const { return fold_; }
  [[nodiscard]] const OwnedView& view() const { return view_; }
  [[nodiscard]] Offset position() const { return fold_.position(); }
  // The offset of the record to give to fold() next.
  [[nodiscard]] Offset reads_from() const { return recovery_.to_check().value_or(position()); }
  [[nodiscard]] Offset flushed() const { return view_.at().position; }
  // The position of what the store has.
  [[nodiscard]] Offset written() const { return fold_.state().stored_position(); }

 private:
  // Nothing stands against it any more.
  void begin_computing();
  void note_due();
  void finish_replay();
  void write_replayed();
  // note_due() was before.
  void write_state();
  // projector_repair.cc
  void repair(const std::string& key);
  void commit(const OwnedView::Move& flush);
  void committed(const OwnedView::Move& flush);
  // `visible`: the view shows it from now on.
  void tell_flushed(bool visible = true);
  // projector_bulk.cc
  void write_bulk(Offset log_end);
  void commit_load(const OwnedView::Move& flush);
  void loaded(const OwnedView::Move& flush);

  const Projection projection_;
  const Generation generation_;
  const Partition partition_;
  const ProjectorParts parts_;
  const std::string label_;  // for the probe: "deliberation:3"
  const std::string name_;   // for messages: "deliberation partition 3"
  PartitionFold fold_;
  RowShare share_;
  std::unique_ptr<ComputedPartition> computed_;  // null: the projection has nothing computed
  OwnedView view_;
  StateRecovery recovery_;
  FlushAccount account_;
  bool intact_ = true;

  // Of the flush at hand; reused.
  ChangedRows rows_;
  std::optional<ComputedRows> repaired_;  // of a key that is repaired by it
  StateBatch batch_;
};

}  // namespace sluice

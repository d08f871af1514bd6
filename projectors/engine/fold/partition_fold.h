#pragma once

// A partition's state and the only way to move it on: one record at a time. Knows no view: the
// projector decides what of it is flushed, verify compares it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "projectors/engine/dedupe/dedupe.h"
#include "projectors/engine/derived/outbox.h"
#include "projectors/engine/derived/receipts.h"
#include "projectors/engine/fold/envelope_view.h"
#include "projectors/engine/fold/fact_fold.h"
#include "projectors/engine/fold/open_record.h"
#include "projectors/engine/fold/outcomes.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/quarantine/parking.h"
#include "projectors/engine/quarantine/quarantine.h"
#include "projectors/engine/quarantine/rule_failures.h"
#include "projectors/engine/tables.h"
#include "projectors/engine/time/timers.h"
#include "sluice/state.pb.h"
#include "storage/event_log.h"
#include "storage/projection_sink.h"

namespace sluice {

// Whether what a fold emits is sent on. Not when the view has it already, or for an account of it.
enum class Emits { sent, dropped };

// Used by one thread.
class PartitionFold {
 public:
  // Loads nothing yet. The store must outlive this.
  PartitionFold(const Projection& projection, const Generation& generation, Partition partition,
                StateStore& store, const DedupeShape& dedupe);

  // What the store holds of this generation and version; nullopt when it holds nothing of it.
  [[nodiscard]] std::optional<StateCheckpoint> stored();

  // Begins from what the store holds, which stored() has approved.
  void load();

  // Empties the store and begins at 0.
  void reset();

  // Forgets everything that was not written. load() or reset() must follow.
  void drop();

  // Folds the record: position moves behind it. Offsets ascend. False: the domain's rules threw, so
  // that everything since the last write was dropped. Folding goes on with the record at
  // position(), which is that of the last write; when it comes to what failed, that is quarantined.
  [[nodiscard]] bool fold(const LogRecord& record, Emits emits);

  // Much was folded since the last write, and comes next what has failed: written now, it need not
  // be folded again should the next fail, too.
  [[nodiscard]] bool wants_write() const {
    return !failures_.none() && position() == failures_.newest_at() &&
           unwritten_ >= kFoldedAgainMax;
  }

  // Brings rows that follow from others up to date: before changed rows are collected. Corrupt: the
  // rules threw, and no record is to blame.
  void refresh();

  // Refreshes, and makes one batch of all changes since the last write, and the head. The caller
  // writes the batch and then calls written(); if that fails, drop().
  void write(StateBatch& batch);
  void written();

  [[nodiscard]] Offset position() const { return Offset{checkpoint_.position()}; }
  [[nodiscard]] Digest digest() const { return Digest{checkpoint_.digest()}; }
  // Records folded since the last write.
  [[nodiscard]] std::uint64_t unwritten() const { return unwritten_; }
  [[nodiscard]] Time record_time() const { return facts_.record_time(); }
  // When the first timer is due; nullopt: none is set.
  [[nodiscard]] std::optional<Time> next_due() const { return timers_.next_due(); }
  [[nodiscard]] Tables& tables() { return tables_; }
  [[nodiscard]] const Tables& tables() const { return tables_; }
  [[nodiscard]] const Outcomes& outcomes() const { return outcomes_; }
  // What is to be appended before the changes are.
  [[nodiscard]] Outbox& outbox() { return outbox_; }
  [[nodiscard]] const Outbox& outbox() const { return outbox_; }
  [[nodiscard]] std::size_t bytes() const { return tables_.bytes() + dedupe_.bytes(); }
  [[nodiscard]] std::size_t dedupe_bytes() const { return dedupe_.bytes(); }

  // How often computed rows were published: kept with the state, which knows what is due.
  [[nodiscard]] std::int64_t published() const { return checkpoint_.published(); }
  void set_published(std::int64_t times) { checkpoint_.set_published(times); }

 private:
  static constexpr std::uint64_t kFoldedAgainMax = 256;

  void load_rows();
  void rewind(const RulesFailed& failed);
  void fold_stamped(const LogRecord& record, Emits emits);
  void fold_record(const LogRecord& record);
  [[nodiscard]] bool move_time(const OpenRecord& open);
  void park(const OpenRecord& open);
  void erase_waiting(const OpenRecord& eraser, const std::string& person);
  void apply_control(const OpenRecord& open);
  [[nodiscard]] bool release_timers(std::string_view key);
  [[nodiscard]] bool decided_before(const OpenRecord& open);
  [[nodiscard]] OpenRecord open_released(const ParkedRecord& parked, Time now);
  // `now`: when the log appended the record that lets it be folded.
  void release(std::string_view key, Time now, const Control::Release& given = {});
  void discard(Offset position, Time now);
  // Opens and decodes a record that waits. Why it cannot be folded; nullopt: it is the fact at
  // hand.
  [[nodiscard]] std::optional<Unfoldable> unfoldable(const OpenRecord& open);
  void quarantine(const OpenRecord& open, Unfoldable why);

  const Projection& projection_;
  const Generation generation_;
  const Partition partition_;
  const RecordOpener opener_;
  StateStore& store_;

  StateCheckpoint checkpoint_;
  Outcomes outcomes_;
  RuleFailures failures_;
  std::uint64_t unwritten_ = 0;  // records folded since the last write
  Tables tables_;
  Parking parking_;
  Receipts receipts_;
  Timers timers_;
  DedupeWindow dedupe_;
  Outbox outbox_;
  const std::unique_ptr<Fold> rules_;
  Quarantine quarantine_;
  FactFold facts_;

  // The record at hand, and one that waited and is looked at meanwhile.
  EnvelopeOpener at_hand_;
  EnvelopeOpener waiting_;
  Offset folds_at_;
};

}  // namespace sluice

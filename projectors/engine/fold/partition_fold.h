#pragma once

// The only way to move a partition's state on: one record at a time. Knows no view: the projector
// decides what of it is flushed, verify compares it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "projectors/engine/derived/outbox.h"
#include "projectors/engine/fold/decisions.h"
#include "projectors/engine/fold/envelope_view.h"
#include "projectors/engine/fold/fact_fold.h"
#include "projectors/engine/fold/open_record.h"
#include "projectors/engine/fold/outcomes.h"
#include "projectors/engine/fold/partition_state.h"
#include "projectors/engine/fold/waiting_records.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/quarantine/quarantine.h"
#include "projectors/engine/quarantine/rule_failures.h"
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

  // As Quarantine::set_parked_limit().
  void set_parked_limit(std::int64_t records) { quarantine_.set_parked_limit(records); }

  // Begins from what the store holds, which state().stored() has approved.
  void load();

  // Empties the store and begins at 0.
  void reset();

  // Forgets everything that was not written. load() or reset() must follow.
  void drop();

  // Folds the record: position moves behind it. Offsets ascend. False: the domain's rules threw, so
  // that everything since the last write was dropped. Folding goes on with the record at
  // position(), which is that of the last write; when it comes to what failed, that is quarantined.
  [[nodiscard]] bool fold(const LogRecord& record, Emits emits);

  // What the fold of one key alone is given in the place of the partition's other records
  // (key_refold.h). From now on it is this key's, as Decisions::fold_alone().
  void fold_alone(std::string key) { decisions_.fold_alone(std::move(key)); }
  // Is told what becomes of a record; outlives this.
  void watch(FoldWatch& watch) {
    watch_ = &watch;
    facts_.set_watch(&watch);
  }
  // Record time stands there as the next record is met; nothing fires for that.
  void set_record_time(Time time) { facts_.set_record_time(time); }
  // The record at this offset, of another key, brings record time there, and fires what is due. As
  // fold().
  [[nodiscard]] bool pass(Offset at, Time record_time);
  // A derived record that the partition took before, by what other keys were told. As fold().
  [[nodiscard]] bool fold_repeated(const LogRecord& record);
  // Whether the record folded last was a repeat, or a decision without effect.
  [[nodiscard]] bool repeated() const { return repeated_; }
  // Whether it had its turn by its own stamp: not where it waits.
  [[nodiscard]] bool moved_time() const { return moved_time_; }

  // As Decisions::take_repair().
  [[nodiscard]] std::string take_repair() { return decisions_.take_repair(); }

  // Much was folded since the last write, and comes next what has failed: written now, it need not
  // be folded again should the next fail, too.
  [[nodiscard]] bool wants_write() const {
    return !failures_.none() && position() == failures_.newest_at() &&
           unwritten() >= kFoldedAgainMax;
  }

  // Brings rows that follow from others up to date: before changed rows are collected. Corrupt: the
  // rules threw, and no record is to blame.
  void refresh();

  // Refreshes, and makes one batch of all changes since the last write, and the head. The caller
  // writes the batch and then calls written(); if that fails, drop().
  void write(StateBatch& batch);
  void written();

  [[nodiscard]] PartitionState& state() { return state_; }
  [[nodiscard]] const PartitionState& state() const { return state_; }
  [[nodiscard]] Offset position() const { return state_.position(); }
  [[nodiscard]] Digest digest() const { return state_.digest(); }
  [[nodiscard]] std::uint64_t unwritten() const { return state_.unwritten(); }
  [[nodiscard]] Tables& tables() { return state_.tables(); }
  [[nodiscard]] const Tables& tables() const { return state_.tables(); }
  [[nodiscard]] Time record_time() const { return facts_.record_time(); }
  // When the first timer is due; nullopt: none is set.
  [[nodiscard]] std::optional<Time> next_due() const { return state_.timers().next_due(); }
  [[nodiscard]] const Outcomes& outcomes() const { return outcomes_; }
  // What is to be appended before the changes are.
  [[nodiscard]] Outbox& outbox() { return outbox_; }
  [[nodiscard]] const Outbox& outbox() const { return outbox_; }

 private:
  static constexpr std::uint64_t kFoldedAgainMax = 256;

  void fold_open(const OpenRecord& open);
  void fold_indexed(const OpenRecord& open);
  [[nodiscard]] std::optional<std::string> discarded_key(const OpenRecord& open) const;
  void rewind(const RulesFailed& failed);
  void fold_stamped(const LogRecord& record, Emits emits);
  void fold_record(const LogRecord& record);

  const Projection& projection_;
  const Partition partition_;
  const RecordOpener opener_;
  PartitionState state_;
  Outcomes outcomes_;
  RuleFailures failures_;
  Outbox outbox_;
  const std::unique_ptr<Fold> rules_;
  Quarantine quarantine_;
  FactFold facts_;
  WaitingRecords waiting_;
  Decisions decisions_;

  EnvelopeOpener at_hand_;
  bool moved_time_ = false;  // by its own stamp, and nothing held it up
  bool repeated_ = false;
  bool known_repeat_ = false;
  FoldWatch* watch_ = nullptr;
};

}  // namespace sluice

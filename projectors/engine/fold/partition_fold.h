#pragma once

// A partition's state and the only way to move it on: one record at a time. Knows no view: the
// projector decides what of it is flushed, verify compares it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "projectors/engine/dedupe/dedupe.h"
#include "projectors/engine/derived/emission_digests.h"
#include "projectors/engine/derived/outbox.h"
#include "projectors/engine/derived/receipts.h"
#include "projectors/engine/fold/envelope_view.h"
#include "projectors/engine/fold/fact_fold.h"
#include "projectors/engine/fold/open_record.h"
#include "projectors/engine/fold/outcomes.h"
#include "projectors/engine/fold/waiting_records.h"
#include "projectors/engine/key_index/key_index.h"
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

  // As Quarantine::set_parked_limit().
  void set_parked_limit(std::int64_t records) { quarantine_.set_parked_limit(records); }
  void set_index_shape(const KeyIndexShape& shape) { index_.set_shape(shape); }

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

  // What the fold of one key alone is given in the place of the partition's other records
  // (key_refold.h). From now on it is this key's: a discard of a timer that waits, which the whole
  // partition has numbered, is of the only one that can wait here.
  void fold_alone(std::string key) { alone_ = std::move(key); }
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
  // How many records wait under the key, and whether a timer does.
  [[nodiscard]] std::pair<std::int64_t, bool> waiting(std::string_view key) const {
    return {parking_.records(key), parking_.timer(key).has_value()};
  }

  // The key that the record folded last asks to have repaired, once; empty: it asks for nothing.
  [[nodiscard]] std::string take_repair() { return std::exchange(repair_, {}); }
  // What the index of keys says of the key, written or not; nullopt: there is none.
  [[nodiscard]] std::optional<Postings> postings(std::string_view key);
  // A timer of the state, for who corrects it.
  [[nodiscard]] Timers& timers() { return timers_; }

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
  [[nodiscard]] std::size_t bytes() const {
    return tables_.bytes() + dedupe_.bytes() + index_.bytes();
  }
  // Of these, what the index of keys has yet to write.
  [[nodiscard]] std::size_t index_bytes() const { return index_.bytes(); }
  [[nodiscard]] std::size_t dedupe_bytes() const { return dedupe_.bytes(); }

  // How often computed rows were published: kept with the state, which knows what is due.
  [[nodiscard]] std::int64_t published() const { return checkpoint_.published(); }
  void set_published(std::int64_t times) { checkpoint_.set_published(times); }

 private:
  static constexpr std::uint64_t kFoldedAgainMax = 256;

  void load_rows();
  void fold_open(const OpenRecord& open);
  void fold_indexed(const OpenRecord& open);
  [[nodiscard]] std::optional<std::string> discarded_key(const OpenRecord& open) const;
  void rewind(const RulesFailed& failed);
  void fold_stamped(const LogRecord& record, Emits emits);
  void fold_record(const LogRecord& record);
  // partition_decisions.cc
  void apply_control(const OpenRecord& open);
  void require_known(const OpenRecord& open) const;
  [[nodiscard]] Offset discarded(const Control::Discard& control) const;
  [[nodiscard]] bool decided_before(const OpenRecord& open);
  void tell_decision(const OpenRecord& open, Decision::Kind kind, std::optional<Offset> offset);
  void decide(const OpenRecord& open);

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
  KeyIndex index_;
  Outbox outbox_;
  std::optional<EmissionDigests> emissions_;  // none: the generation does not tell of them
  const std::unique_ptr<Fold> rules_;
  Quarantine quarantine_;
  FactFold facts_;
  WaitingRecords waiting_;

  EnvelopeOpener at_hand_;
  bool moved_time_ = false;  // by its own stamp, and nothing held it up
  bool repeated_ = false;
  bool known_repeat_ = false;
  std::string repair_;
  FoldWatch* watch_ = nullptr;
  std::string alone_;  // empty: it is the whole partition that is folded
};

}  // namespace sluice

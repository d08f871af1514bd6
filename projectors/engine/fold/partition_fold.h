#pragma once

// A partition's state and the only way to move it on: one record at a time. Knows no view: the
// projector decides what of it is flushed, verify compares it.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/dedupe/dedupe.h"
#include "projectors/engine/derived/outbox.h"
#include "projectors/engine/derived/receipts.h"
#include "projectors/engine/fold/event_id.h"
#include "projectors/engine/fold/fact_decoder.h"
#include "projectors/engine/fold/opened_envelope.h"
#include "projectors/engine/fold/outcomes.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/quarantine/parking.h"
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

  // Folds the record: position moves behind it. Offsets ascend.
  void fold(const LogRecord& record, Emits emits);

  // Brings rows that follow from others up to date: before changed rows are collected.
  void refresh() { fold_->refresh(); }

  // Refreshes, and makes one batch of all changes since the last write, and the head. The caller
  // writes the batch and then calls written(); if that fails, drop().
  void write(StateBatch& batch);
  void written();

  [[nodiscard]] Offset position() const { return Offset{checkpoint_.position()}; }
  [[nodiscard]] Digest digest() const { return Digest{checkpoint_.digest()}; }
  [[nodiscard]] Time record_time() const {
    return Time{std::chrono::milliseconds(checkpoint_.record_time())};
  }
  // When the first timer is due; nullopt: none is set.
  [[nodiscard]] std::optional<Time> next_due() const { return timers_.next_due(); }
  [[nodiscard]] Tables& tables() { return tables_; }
  [[nodiscard]] const Tables& tables() const { return tables_; }
  [[nodiscard]] const Outcomes& outcomes() const { return outcomes_; }
  // What is to be appended before the changes are.
  [[nodiscard]] Outbox& outbox() { return outbox_; }
  [[nodiscard]] const Outbox& outbox() const { return outbox_; }
  [[nodiscard]] std::size_t bytes() const { return tables_.bytes() + dedupe_.bytes(); }

  // How often computed rows were published: kept with the state, which knows what is due.
  [[nodiscard]] std::int64_t published() const { return checkpoint_.published(); }
  void set_published(std::int64_t times) { checkpoint_.set_published(times); }

 private:
  struct Unfoldable {
    std::string reason;
    bool parks_key = true;
    bool erasable = false;  // somebody's, and their deletion comes to it
  };

  void fold_record(const LogRecord& record);
  [[nodiscard]] std::optional<Unfoldable> open_envelope(const LogRecord& record);
  [[nodiscard]] std::optional<Unfoldable> check_envelope() const;
  [[nodiscard]] std::optional<Unfoldable> open_fact();
  void fold_fact(const LogRecord& record);
  void park(const LogRecord& record);
  void tell_of_waiting(const std::string& person);
  void erase_waiting(const std::string& person);
  [[nodiscard]] bool counted_before(const LogRecord& record);
  void apply_control(const LogRecord& record, const Control& control);
  [[nodiscard]] LogRecord released(const ParkedRecord& parked) const;
  [[nodiscard]] bool decided_before(const LogRecord& record);
  void release(std::string_view key, const Control::Release& given = {});
  void discard(Offset position);
  void quarantine(const LogRecord& record, Unfoldable why);
  void unquarantine(Offset position);
  void age_later(const LogRecord& record);
  void age_out(Offset position);
  [[nodiscard]] std::optional<Unfoldable> unfoldable(const LogRecord& record);
  [[nodiscard]] bool by_service() const;
  void reject(const LogRecord& record, std::string_view reason);
  // Moves record time on to the record's, and fires what is due then.
  void move_time(const LogRecord& record);
  void fire(Timer timer);
  [[nodiscard]] Time recorded_at(const LogRecord& record) const;

  const Projection& projection_;
  const Generation generation_;
  const Partition partition_;
  StateStore& store_;

  StateCheckpoint checkpoint_;
  Tables tables_;
  Parking parking_;
  Receipts receipts_;
  Timers timers_;
  DedupeWindow dedupe_;
  Outbox outbox_;
  std::unique_ptr<Fold> fold_;
  FactDecoder decoder_;
  Outcomes outcomes_;

  // Of the record at hand; reused.
  Offset folding_;    // in the log: a released record's own is behind it
  Time appended_at_;  // by the log's clock, likewise
  OpenedEnvelope envelope_;
  std::string_view key_;
};

}  // namespace sluice

#pragma once

// What a partition keeps: the tables of its rules and of the engine, the marks of event ids, the
// index of keys, and the checkpoint that says up to which record all of it is folded.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "projectors/engine/dedupe/dedupe.h"
#include "projectors/engine/derived/emission_digests.h"
#include "projectors/engine/derived/receipts.h"
#include "projectors/engine/key_index/key_index.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/quarantine/parking.h"
#include "projectors/engine/tables/partition_tables.h"
#include "projectors/engine/time/timers.h"
#include "sluice/state.pb.h"
#include "storage/base/position.h"
#include "storage/projection_sink.h"
#include "storage/state_store.h"

namespace sluice {

// Used by one thread. Its parts are edited by folds. Throws what the store throws.
class PartitionState {
 public:
  // Loads nothing yet. The store must outlive this.
  PartitionState(const Projection& projection, const Generation& generation, Partition partition,
                 StateStore& store, const DedupeShape& dedupe);

  // What the store holds of this generation and version; nullopt when it holds nothing of it.
  [[nodiscard]] std::optional<StateCheckpoint> stored() const;
  // Begins from what the store holds, which stored() has approved.
  void load();
  // Empties the store. load() must follow, which then begins at 0.
  void clear();
  // Forgets everything that was not written. load() or rewind() must follow.
  void drop();
  // Begins from the last write, as load(), but reads no marks and no runs of the index.
  void rewind();

  // The record before `to` is folded, or what time brought about before it.
  void move_to(Offset to);
  // That record's.
  void set_digest(Digest digest) { checkpoint_.set_digest(digest.value); }

  // Makes one batch of all changes since the last write, and the checkpoint. The caller writes the
  // batch and then calls written(); if that fails, drop().
  void write(StateBatch& batch, Time record_time);
  void written();

  [[nodiscard]] Offset position() const { return Offset{checkpoint_.position()}; }
  [[nodiscard]] Digest digest() const { return Digest{checkpoint_.digest()}; }
  // The position of the last write, which the store has.
  [[nodiscard]] Offset stored_position() const { return stored_position_; }
  // As of the last write.
  [[nodiscard]] Time record_time() const;
  // Records folded since the last write.
  [[nodiscard]] std::uint64_t unwritten() const { return unwritten_; }
  // How often computed rows were published: kept with the state, which knows what is due.
  void set_published(std::int64_t times) { checkpoint_.set_published(times); }

  [[nodiscard]] Tables& tables() { return tables_; }
  [[nodiscard]] const Tables& tables() const { return tables_; }
  [[nodiscard]] Parking& parking() { return parking_; }
  [[nodiscard]] const Parking& parking() const { return parking_; }
  [[nodiscard]] Receipts& receipts() { return receipts_; }
  [[nodiscard]] Timers& timers() { return timers_; }
  [[nodiscard]] const Timers& timers() const { return timers_; }
  [[nodiscard]] DedupeWindow& dedupe() { return dedupe_; }
  [[nodiscard]] const DedupeWindow& dedupe() const { return dedupe_; }
  [[nodiscard]] KeyIndex& index() { return index_; }
  [[nodiscard]] const KeyIndex& index() const { return index_; }
  // Null: the generation does not tell of them.
  [[nodiscard]] EmissionDigests* emissions() { return emissions_ ? &*emissions_ : nullptr; }

  // What the index of keys says of the key, written or not; nullopt: there is none.
  [[nodiscard]] std::optional<Postings> postings(std::string_view key) const;
  // How many records wait under the key, and whether a timer does.
  [[nodiscard]] std::pair<std::int64_t, bool> waiting(std::string_view key) const {
    return {parking_.records(key), parking_.timer(key).has_value()};
  }
  // Memory held, about.
  [[nodiscard]] std::size_t bytes() const {
    return tables_.bytes() + dedupe_.bytes() + index_.bytes();
  }

 private:
  void load_checkpoint();

  const Generation generation_;
  const int version_;
  StateStore& store_;
  StateCheckpoint checkpoint_;
  Offset stored_position_;
  std::uint64_t unwritten_ = 0;
  Tables tables_;
  Parking parking_;
  Receipts receipts_;
  Timers timers_;
  DedupeWindow dedupe_;
  KeyIndex index_;
  std::optional<EmissionDigests> emissions_;
};

}  // namespace sluice

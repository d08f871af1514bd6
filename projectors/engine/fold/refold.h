#pragma once

// Folds a partition's log from its start into a fresh store: the account that a view is held
// against. It emits nothing.

#include <cstddef>
#include <vector>

#include "projectors/engine/fold/partition_fold.h"
#include "storage/event_log.h"
#include "storage/state_store.h"

namespace sluice {

// Bytes that a refold may hold, about.
struct RefoldMemory {
  std::size_t rows = 0;
  std::size_t filters = 0;  // of event ids
  bool key_index = false;   // whether the store is to say which records concern a key
};

// Used by one thread.
class Refold {
 public:
  // `store` is empty and outlives this.
  Refold(const Projection& projection, const Generation& generation, Partition partition,
         RefoldMemory memory, StateStore& store);

  // As PartitionFold::fold(): false, where folding goes on at position(), with what is written.
  [[nodiscard]] bool fold(const LogRecord& record);

  // Puts everything folded so far into the store, where StoredRows finds it.
  void write_state();

  // Of all that was written to the store.
  [[nodiscard]] const std::vector<Decision>& decisions() const { return decisions_; }

  [[nodiscard]] Offset position() const { return fold_.position(); }
  [[nodiscard]] Digest digest() const { return fold_.digest(); }

 private:
  const std::size_t memory_;  // for rows
  StateStore& store_;
  PartitionFold fold_;
  StateBatch batch_;
  std::vector<Decision> decisions_;
};

}  // namespace sluice

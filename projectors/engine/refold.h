#pragma once

// Folds a partition's log from its start into a fresh store: the account that a view is held
// against. It emits nothing.

#include <google/protobuf/message.h>

#include <cstddef>
#include <memory>

#include "projectors/engine/partition_fold.h"
#include "storage/event_log.h"
#include "storage/state_store.h"

namespace sluice {

// Bytes that a refold may hold, about.
struct RefoldMemory {
  std::size_t rows = 0;
  std::size_t filters = 0;  // of event ids
};

// Used by one thread.
class Refold {
 public:
  // `store` is empty and outlives this.
  Refold(const Projection& projection, const Generation& generation, Partition partition,
         RefoldMemory memory, StateStore& store);

  void fold(const LogRecord& record);

  // Puts everything folded so far into the store, where StoredRows finds it.
  void settle();

  [[nodiscard]] Offset position() const { return fold_.position(); }
  [[nodiscard]] Digest digest() const { return fold_.digest(); }

 private:
  const std::size_t memory_;  // for rows
  StateStore& store_;
  PartitionFold fold_;
  StateBatch batch_;
};

// The rows of one table as a store holds them, in key order.
class StoredRows {
 public:
  // `prototype` is the row type's default instance. The store outlives this.
  StoredRows(StateStore& store, const google::protobuf::Message& prototype);

  // Null at the end; valid until the next call. Throws Corrupt when a row cannot be read.
  [[nodiscard]] const google::protobuf::Message* next();

 private:
  std::unique_ptr<google::protobuf::Message> row_;
  std::unique_ptr<StateCursor> cursor_;
  bool begun_ = false;
};

}  // namespace sluice

#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <span>
#include <vector>

#include "projectors/engine/tables/partition_tables.h"
#include "storage/flush_batch.h"

namespace sluice {

// The rows of a partition's published tables that changed since the last write, as a flush takes
// them. What it holds is reused from flush to flush.
class ChangedRows {
 public:
  explicit ChangedRows(const Tables& tables);

  void collect(const Tables& tables);
  // As of the last collect(). Borrowed until the next, and until its rows are written.
  [[nodiscard]] std::span<const RowChanges> all() const { return rows_; }

 private:
  void add(const TableRows& table, const RowSlot& slot, RowChanges& changes);

  std::vector<RowChanges> rows_;
  std::vector<std::unique_ptr<google::protobuf::Message>> erased_keys_;
};

}  // namespace sluice

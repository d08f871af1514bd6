#pragma once

// The history of a key by folding its whole partition, where no state has an index of keys.

#include "projectors/engine/fold/refold.h"
#include "storage/rocksdb/rocks_resources.h"
#include "storage/rocksdb/rocks_state_store.h"
#include "tools/sluice/node/memory_budget.h"
#include "tools/sluice/records/partition_records.h"
#include "tools/sluice/replay/key_history.h"
#include "tools/sluice/verification/scratch_folder.h"

namespace sluice {

// One thread. Has a store of its own, which is gone with it.
class FoldedHistory {
 public:
  // The log, and what `place` refers to, outlive this.
  FoldedHistory(Log& log, const KeyPlace& place, const MemoryBudget& memory);

  // Folds on from where it is. Corrupt: the log does not reach that far.
  [[nodiscard]] KeyHistory up_to(Offset position, std::optional<Time> until);

 private:
  const KeyPlace place_;
  const ScratchFolder scratch_{{}};
  const RocksResources resources_;
  RocksStateStore store_;
  Refold refold_;
  PartitionRecords records_;
};

}  // namespace sluice

#include "tools/sluice/memory_budget.h"

#include "storage/check.h"

namespace sluice {

// State gets most, since what RocksDB does not hold is read from disk. Rows changed and rows at
// hand come next: what coalesces is not written, what stays is not read. A miss anywhere else is a
// flush or a 429 earlier.
MemoryBudget divide_memory(std::uint64_t total, MemoryUsers users) {
  CHECK(users.projectors > 0 || users.ingest, "there is something to run");
  CHECK(total >= kLeastMemory, "--memory has this bound");
  const std::uint64_t projectors = static_cast<std::uint64_t>(users.projectors);
  // In halves of a part: log 2, ingest 2, state 4, dedupe 2, changed rows 3, rows at hand 3,
  // orders 2.
  const std::uint64_t halves = 2 + (users.ingest ? 2 : 0) + (projectors > 0 ? 14 : 0);
  const std::uint64_t shared = (total - kOwnMemory) / 4 * 3;
  const std::uint64_t half = shared / halves;
  MemoryBudget budget{.log = 2 * half};
  if (users.ingest) budget.ingest = 2 * half;
  if (projectors > 0) {
    budget.state = 4 * half;
    budget.dedupe = 2 * half;
    budget.orders = 2 * half;
    budget.dirty_rows = budget.row_cache = shared * 3 / halves / projectors;
  }
  return budget;
}

}  // namespace sluice

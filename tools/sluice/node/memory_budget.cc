#include "tools/sluice/node/memory_budget.h"

#include "storage/base/check.h"

namespace sluice {

// State gets most, since what RocksDB does not hold is read from disk. Rows changed and rows at
// hand come next, the former more: what coalesces is not written, to state nor to Postgres; what
// stays is not read. A miss anywhere else is a flush or a 429 earlier.
MemoryBudget divide_memory(std::uint64_t total, MemoryUsers users) {
  CHECK(users.projectors > 0 || users.ingest, "there is something to run");
  CHECK(total >= kLeastMemory, "--memory has this bound");
  // In halves of a part: log 2, ingest 2, state 4, dedupe 2, changed rows 5, rows at hand 3; of
  // rows 2 for orders, where there are any.
  const std::uint64_t halves = 2 + (users.ingest ? 2 : 0) + (users.projectors > 0 ? 14 : 0);
  const std::uint64_t shared = (total - kOwnMemory) / 4 * 3;
  const std::uint64_t half = shared / halves;
  MemoryBudget budget{.log = 2 * half};
  if (users.ingest) budget.ingest = 2 * half;
  if (users.projectors > 0) {
    budget.state = 4 * half;
    budget.dedupe = 2 * half;
    budget.dirty_rows = 5 * half;
    budget.row_cache = 3 * half;
    budget.orders = 2 * half;
  }
  return budget;
}

}  // namespace sluice

#include "tools/sluice/memory_budget.h"

#include "storage/check.h"

namespace sluice {

// State gets most, since what RocksDB does not hold is read from disk; a miss anywhere else is a
// flush or a 429 earlier.
MemoryBudget divide_memory(std::uint64_t total, int projectors) {
  CHECK(projectors > 0, "there is something to run");
  CHECK(total >= kLeastMemory, "--memory has this bound");
  const std::uint64_t eighth = total / 8;
  const auto each = [&](std::uint64_t share) {
    return share / static_cast<std::uint64_t>(projectors);
  };
  return {.ingest = eighth,
          .log = eighth,
          .state = 2 * eighth,
          .dedupe = eighth,
          .dirty_rows = each(eighth),
          .row_cache = each(eighth)};
}

}  // namespace sluice

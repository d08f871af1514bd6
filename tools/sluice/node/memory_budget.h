#pragma once

#include <cstdint>

namespace sluice {

// How one number of memory is shared out. What is not listed is kOwnMemory (code, stacks, the
// libraries' threads and tables) and a quarter of the rest, which the allocator loses between what
// is listed. A private Postgres has its own memory.
struct MemoryBudget {
  std::uint64_t ingest = 0;      // HTTP: requests, what is made of them, replies
  std::uint64_t log = 0;         // librdkafka's queues, or the embedded log's memtables and cache
  std::uint64_t state = 0;       // block cache and memtables of all partitions' RocksDBs together
  std::uint64_t dedupe = 0;      // filters of event ids, all partitions
  std::uint64_t dirty_rows = 0;  // rows changed since the last flush, all partitions
  std::uint64_t row_cache = 0;   // unchanged rows kept at hand, all partitions
  std::uint64_t orders = 0;      // orders over rows, all partitions: out of the two before it
};

// Held by a process with next to nothing to do, as measured by draining under small numbers.
constexpr std::uint64_t kOwnMemory = std::uint64_t{96} << 20;
// Less than this leaves nothing to share out.
constexpr std::uint64_t kLeastMemory = std::uint64_t{128} << 20;

// Who shares it in a process: nobody else gets a part.
struct MemoryUsers {
  bool ingest = false;
  int projectors = 0;  // partitions of all domains together
};

// What HTTP may hold: its share, or where that is less as much as one body of `max_body` takes
// until it is in the log. Such a body then waits until the process as a whole has room for it.
[[nodiscard]] constexpr std::uint64_t http_memory(std::uint64_t share, std::uint64_t max_body) {
  return share > 3 * max_body ? share : 3 * max_body;
}

[[nodiscard]] MemoryBudget divide_memory(std::uint64_t total, MemoryUsers users);

}  // namespace sluice

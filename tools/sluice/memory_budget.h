#pragma once

#include <cstdint>

namespace sluice {

// How one number of memory is shared out. What is not listed (code, stacks, protobuf arenas, the
// allocator's own loss) is the eighth that is left over. A private Postgres has its own memory.
struct MemoryBudget {
  std::uint64_t ingest;      // bodies and batches that wait for the log
  std::uint64_t log;         // librdkafka's queues, or the embedded log's memtables and cache
  std::uint64_t state;       // block cache and memtables of all partitions' RocksDBs together
  std::uint64_t dedupe;      // filters of event ids, all partitions
  std::uint64_t dirty_rows;  // rows changed since the last flush, of one partition
  std::uint64_t row_cache;   // unchanged rows kept at hand, of one partition
};

// Less than this cannot hold one event of every queue.
constexpr std::uint64_t kLeastMemory = std::uint64_t{64} << 20;

// `projectors` partitions of all domains together share what is theirs. Both at least 1.
[[nodiscard]] MemoryBudget divide_memory(std::uint64_t total, int projectors);

}  // namespace sluice

#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/base/position.h"
#include "storage/embedded/embedded_format.h"

namespace sluice::embedded {

// A stream as the log has it in memory: where its partitions end.
struct Stream {
  std::string name;
  StreamEntry entry;
  std::vector<Tail> durable;  // a partition each; guarded by the log's mutex
  std::vector<Tail> written;  // with the group being committed; the committing thread's

  // Of these. Misconfigured: the stream has no such partition.
  [[nodiscard]] std::size_t index(Partition partition) const;
};

// For people, of a partition of this stream, in a log in this folder: which offsets are damaged,
// what RocksDB says of which file, and what to do.
[[nodiscard]] std::string words_for(const Damage& damage, const Stream& stream, Partition partition,
                                    const std::filesystem::path& folder);
// What to do about damage.
[[nodiscard]] std::string to_restore(const std::filesystem::path& folder);

}  // namespace sluice::embedded

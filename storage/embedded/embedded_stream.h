#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "storage/base/position.h"
#include "storage/embedded/embedded_format.h"

namespace sluice {
namespace embedded {

struct Stream {
  std::string name;
  StreamEntry entry;
  std::vector<Tail> durable;  // a partition each; guarded by the log's mutex
  std::vector<Tail> written;  // with the group being committed; the committing thread's

  // Of these. Misconfigured: the stream has no such partition.
  [[nodiscard]] std::size_t index(Partition partition) const;
};

}  // namespace embedded

}  // namespace sluice

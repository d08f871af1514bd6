#pragma once

#include <limits>

#include "storage/memory/memory_sink.h"

namespace sluice {

// The views of a live generation that is ahead of whatever follows it, on all partitions.
[[nodiscard]] inline MemoryViews far_ahead(Generation generation) {
  generation.live = true;
  MemoryViews views(std::move(generation));
  MemorySink sink(views);
  const Offset far{std::numeric_limits<std::int64_t>::max()};
  FlushBatch batch{};
  batch.owner = "leader";
  batch.to = batch.log_end = far;
  for (Partition& partition = batch.partition; partition.value < sink.generation().partitions;
       ++partition.value) {
    sink.claim(partition, "leader");
    static_cast<void>(sink.flush(batch));
  }
  return views;
}

}  // namespace sluice

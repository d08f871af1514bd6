#pragma once

#include <limits>

#include "storage/memory/memory_sink.h"

namespace sluice {

// The views of a live generation that is ahead of whatever follows it, on partition 0.
[[nodiscard]] inline MemoryViews far_ahead(Generation generation) {
  constexpr Partition kOnly{0};
  generation.live = true;
  MemoryViews views(std::move(generation));
  MemorySink sink(views);
  sink.claim(kOnly, "leader");
  const Offset far{std::numeric_limits<std::int64_t>::max()};
  FlushBatch batch{};
  batch.partition = kOnly;
  batch.owner = "leader";
  batch.to = batch.log_end = far;
  static_cast<void>(sink.flush(batch));
  return views;
}

}  // namespace sluice

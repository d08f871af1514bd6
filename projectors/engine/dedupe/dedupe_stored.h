#pragma once

// What a store holds of a window.

#include <vector>

#include "projectors/engine/dedupe/dedupe_segment.h"

namespace sluice::dedupe {

struct Stored {
  std::vector<Mark> open;  // in the order they were made
  std::int64_t last_to = -1;
  std::vector<Segment> segments;       // older to newer
  std::vector<std::uint64_t> orphans;  // runs with pages but no record
  std::uint64_t next_run = 1;
};

// Reads every mark. Filters are made from the newest segment on, as far as `filter_bytes_max` goes.
// Throws Corrupt when the parts do not fit together.
[[nodiscard]] Stored load(StateStore& store, std::size_t filter_bytes_max);

}  // namespace sluice::dedupe

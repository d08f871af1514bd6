#include "projectors/engine/run/flush_pace.h"

#include <algorithm>

namespace sluice {

bool flush_due(const FlushPace& pace, const Unflushed& waiting) {
  const auto since =
      std::max<std::chrono::steady_clock::duration>(waiting.since, std::chrono::milliseconds{1});
  if (since < (waiting.computed ? pace.computed_interval : pace.interval)) return false;
  if (waiting.caught_up || since >= pace.lagging_interval) return true;
  // Lagging: at the rate of this interval it takes longer than one to reach the end.
  const double folded_an_interval =
      static_cast<double>(waiting.folded) *
      (std::chrono::duration<double>(pace.interval) / std::chrono::duration<double>(since));
  return static_cast<double>(waiting.behind) <= folded_an_interval;
}

}  // namespace sluice

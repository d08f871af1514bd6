#pragma once

// How often folded work is flushed: seldom while a partition lags, since what coalesces is not
// written.

#include <chrono>
#include <cstdint>

namespace sluice {

struct FlushPace {
  std::chrono::milliseconds interval{250};
  std::chrono::milliseconds lagging_interval{2000};
  // Finished computations are kept waiting for no longer than this, but while the partition lags.
  std::chrono::milliseconds computed_interval{50};
};

// What waits in a partition to be flushed.
struct Unflushed {
  std::chrono::steady_clock::duration since{0};  // the last flush
  bool computed = false;                         // a finished computation is part of it
  bool caught_up = false;                        // all that can be read was folded
  std::int64_t behind = 0;                       // records that are not, about
  std::uint64_t folded = 0;                      // records since the last flush
};

[[nodiscard]] bool flush_due(const FlushPace& pace, const Unflushed& waiting);

}  // namespace sluice

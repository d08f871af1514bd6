#pragma once

// What became of a partition in this process, in numbers for an operator: counts since the process
// began, and how the partition stands now.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/run/histogram.h"
#include "projectors/engine/run/hot_keys.h"
#include "storage/base/position.h"
#include "storage/state_snapshots.h"

namespace sluice {

// How a partition was taken: from which state, and what had to be folded again until that was where
// the view is.
struct Recovery {
  enum class From { state, start, snapshot };
  From from = From::start;
  Offset position;                                // where folding began
  std::uint64_t records = 0;                      // folded again
  std::optional<std::chrono::milliseconds> took;  // nullopt: it goes on
  std::vector<RefusedSnapshot> refused = {};      // newer than what it began from
};
inline constexpr std::size_t kRecoveryKinds = 3;
[[nodiscard]] std::string_view word(Recovery::From from);

struct PartitionCounts {
  using ByName = std::map<std::string, std::uint64_t, std::less<>>;

  PartitionCounts();

  std::uint64_t records = 0;  // by which the view was moved on: duplicates, ticks and all
  std::uint64_t duplicates = 0;
  std::uint64_t quarantined = 0;
  std::optional<Offset> last_quarantined;  // the position of the last of these
  std::uint64_t beyond_limit = 0;          // of these, without their bytes
  std::uint64_t fenced = 0;
  std::uint64_t rebalances = 0;  // the log gave the partition, or took it
  ByName rejected;               // by reason
  ByName rows;                   // given to flushes that went through, by table
  std::array<std::uint64_t, kRecoveryKinds> recoveries{};
  Histogram flush_seconds;
  Histogram batch_seconds;    // folding what one poll brought
  Histogram visible_seconds;  // of facts, from recorded_at to the commit that shows them

  std::chrono::nanoseconds last_flush{0};  // how long it took
  Recovery began;                          // as it was last taken
  // As of the last flush; nullopt: too few records were folded since it was taken.
  std::optional<HotKey> hottest;

  void count_rejected(std::string_view reason);
  void add_rows(const std::string& table, std::uint64_t times);
};

}  // namespace sluice

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "projectors/engine/run/partition_counts.h"
#include "storage/base/position.h"

namespace sluice {

// What came into quarantine since that was last told, for a line of the log: of each domain one a
// second at most. One thread.
class QuarantineNews {
 public:
  using Clock = std::chrono::steady_clock;

  struct Entered {
    std::string projection;
    std::uint64_t records = 0;
    std::string partition;  // "deliberation:3": where one of the newest came from
    Offset position;        // of that one; below 0: a timer
  };
  // Of generations that readers see. Looks may be as frequent as they like.
  [[nodiscard]] std::vector<Entered> at(Clock::time_point now,
                                        const std::map<std::string, PartitionCounts>& counts);

 private:
  struct OfProjection {
    Entered untold;
    std::optional<Clock::time_point> told = {};
  };

  std::map<std::string, std::uint64_t> seen_;  // by partition, at the last look
  std::map<std::string, OfProjection> projections_;
};

}  // namespace sluice

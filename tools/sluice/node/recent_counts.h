#pragma once

// What happened to a process in the last minutes, which counts since its beginning do not tell.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "projectors/engine/run/partition_counts.h"
#include "storage/base/json_writer.h"
#include "storage/rocksdb/rocks_resources.h"
#include "tools/sluice/node/recent_growth.h"

namespace sluice {

// One thread, which looks each second or less often.
class RecentCounts {
 public:
  using Clock = std::chrono::steady_clock;

  struct Unsettled {
    std::string partition;         // "deliberation:3"
    std::uint64_t fenced = 0;      // times that another owner was met, in the last minute
    std::uint64_t rebalances = 0;  // times that the log gave or took it, in the last 5 minutes
  };
  // Partitions of which there is anything to tell, whether the process has them now or not.
  [[nodiscard]] std::vector<Unsettled> unsettled(
      Clock::time_point now, const std::map<std::string, PartitionCounts>& counts);

  struct Stalls {
    std::uint64_t stopped_seconds = 0;  // of the last minute: a store took no writes
    std::uint64_t slowed_seconds = 0;   // a store took them slowly
  };
  // As far as looks tell: a store that is found so counts since the look before.
  [[nodiscard]] Stalls stalls(Clock::time_point now, const RocksVitals& rocks);

 private:
  struct OfPartition {
    RecentGrowth fenced{std::chrono::minutes{1}};
    RecentGrowth rebalances{std::chrono::minutes{5}};
  };

  std::map<std::string, OfPartition> partitions_;
  Clock::time_point looked_{};  // the epoch: never
  std::chrono::duration<double> stopped_{0};
  std::chrono::duration<double> slowed_{0};
  RecentGrowth stopped_seconds_{std::chrono::minutes{1}};
  RecentGrowth slowed_seconds_{std::chrono::minutes{1}};
};

// A field "unsettled" of the object that is begun.
void write_unsettled(JsonWriter& json, const std::vector<RecentCounts::Unsettled>& unsettled);

}  // namespace sluice

#include "tools/sluice/node/recent_counts.h"

namespace sluice {

std::vector<RecentCounts::Unsettled> RecentCounts::unsettled(
    Clock::time_point now, const std::map<std::string, PartitionCounts>& counts) {
  std::vector<Unsettled> all;
  for (const auto& [label, count] : counts) {
    OfPartition& recent = partitions_[label];
    const Unsettled each{label, recent.fenced.at(now, count.fenced),
                         recent.rebalances.at(now, count.rebalances)};
    if (each.fenced + each.rebalances > 0) all.push_back(each);
  }
  return all;
}

RecentCounts::Stalls RecentCounts::stalls(Clock::time_point now, const RocksVitals& rocks) {
  const std::chrono::duration<double> since =
      looked_ == Clock::time_point{} ? Clock::duration{0} : now - looked_;
  looked_ = now;
  if (rocks.stopped > 0) stopped_ += since;
  if (rocks.slowed > 0) slowed_ += since;
  return {stopped_seconds_.at(now, static_cast<std::uint64_t>(stopped_.count())),
          slowed_seconds_.at(now, static_cast<std::uint64_t>(slowed_.count()))};
}

void write_unsettled(JsonWriter& json, const std::vector<RecentCounts::Unsettled>& unsettled) {
  json.name("unsettled").begin_array();
  for (const RecentCounts::Unsettled& each : unsettled) {
    json.begin_object().field("partition", each.partition);
    json.field("fenced", each.fenced).field("rebalances", each.rebalances).end_object();
  }
  json.end_array();
}

}  // namespace sluice

#include "tools/sluice/node/quarantine_news.h"

#include <utility>

namespace sluice {
namespace {

constexpr std::chrono::seconds kBetweenLines{1};

}  // namespace

std::vector<QuarantineNews::Entered> QuarantineNews::at(
    Clock::time_point now, const std::map<std::string, PartitionCounts>& counts) {
  for (const auto& [partition, of] : counts) {
    const std::string projection = partition.substr(0, partition.find(':'));
    // "deliberation.g2:3" is of a generation that nobody reads.
    if (projection.find('.') != std::string::npos || !of.last_quarantined) continue;
    const std::uint64_t before = std::exchange(seen_[partition], of.quarantined);
    if (of.quarantined == before) continue;
    Entered& untold = projections_[projection].untold;
    untold = {projection, untold.records + of.quarantined - before, partition,
              *of.last_quarantined};
  }
  std::vector<Entered> entered;
  for (auto& [projection, of] : projections_) {
    if (of.untold.records == 0 || (of.told && now < *of.told + kBetweenLines)) continue;
    entered.push_back(std::exchange(of.untold, {}));
    of.told = now;
  }
  return entered;
}

}  // namespace sluice

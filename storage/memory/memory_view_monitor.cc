#include "storage/memory/memory_view_monitor.h"

#include <algorithm>

#include "storage/base/errors.h"

namespace sluice {

void MemoryViewMonitor::require_present() const {
  if (away_) throw Retryable("the database is away");
}

bool MemoryViewMonitor::is(std::string_view projection, int generation) const {
  return views_.generation().projection == projection && views_.generation().number == generation;
}

std::map<std::string, std::string> MemoryViewMonitor::locks(std::span<const std::string> sessions) {
  require_present();
  std::map<std::string, std::string> waiting;
  for (const std::string& session : sessions) {
    const auto found = locks_.find(session);
    if (found != locks_.end() && !found->second.empty()) waiting.insert(*found);
  }
  return waiting;
}

void MemoryViewMonitor::speak_for(std::string_view projection, int generation,
                                  std::span<const LogProgress> progress) {
  require_present();
  if (is(projection, generation)) views_.hear(progress);
}

std::vector<UnownedPartition> MemoryViewMonitor::unowned(std::span<const std::string> projections) {
  require_present();
  const Generation& generation = views_.generation();
  std::vector<UnownedPartition> all;
  if (!generation.live || std::ranges::count(projections, generation.projection) == 0) return all;
  for (int p = 0; p < generation.partitions; ++p) {
    const ViewPosition view = views_.position(Partition{p});
    const bool owned = !view.owner.empty() && view.silent < kOwnerGone;
    if (owned && views_.trouble(Partition{p}).empty()) continue;
    all.push_back({generation.projection, generation.number, Partition{p}, view.position,
                   std::max(view.position, views_.log_end(Partition{p})),
                   views_.freshness(Partition{p})});
    all.back().owned = owned;
  }
  return all;
}

std::vector<GenerationSeen> MemoryViewMonitor::generations(
    std::span<const std::string> projections) {
  require_present();
  const Generation& generation = views_.generation();
  if (std::ranges::count(projections, generation.projection) == 0) return {};
  return {{generation.projection, generation.number, generation.version,
           std::string(word_of(views_.status())), 1}};
}

}  // namespace sluice

#include "storage/memory/memory_snapshots.h"

#include <algorithm>

namespace sluice {

std::vector<KeptSnapshot> MemorySnapshots::list() {
  std::vector<KeptSnapshot> all;
  for (const auto& kept : shelf_.kept_) all.push_back(kept.about);
  std::ranges::stable_sort(all, std::ranges::greater{}, &KeptSnapshot::position);
  return all;
}

StateSnapshots::Brought MemorySnapshots::bring(const KeptSnapshot& snapshot) {
  const bool there = std::ranges::any_of(
      shelf_.kept_, [&](const auto& kept) { return kept.about.path == snapshot.path; });
  return there ? Brought::whole : Brought::torn;
}

bool MemorySnapshots::restore(const KeptSnapshot& snapshot) {
  for (const auto& kept : shelf_.kept_) {
    if (kept.about.path != snapshot.path) continue;
    state_.become(kept.state);
    return true;
  }
  return false;
}

}  // namespace sluice

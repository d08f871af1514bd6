#include "storage/memory/memory_readers.h"

#include <algorithm>

#include "storage/base/check.h"
#include "storage/base/errors.h"

namespace sluice {

MemorySnapshot::MemorySnapshot(MemoryReaders& readers,
                               const std::vector<const MemoryViews*>& generations)
    : readers_(readers), among_(readers.snapshots_.insert(readers.newest_mark_)) {
  for (const MemoryViews* each : generations) generations_.push_back(*each);
}

MemorySnapshot::~MemorySnapshot() {
  if (reading_) --readers_.reading_;
  readers_.snapshots_.erase(among_);
}

const MemoryViews& MemorySnapshot::live() const {
  const auto found = std::ranges::find_if(
      generations_, [](const MemoryViews& each) { return each.generation().live; });
  CHECK(found != generations_.end(), "a generation of the projection is live");
  return *found;
}

const MemoryViews& MemorySnapshot::read(const MemoryViews& shown) {
  if (readers_.views_.held()) throw Retryable("the views are locked");
  if (shown.mark() > *among_) throw Retryable("40001: the snapshot is from before a swap");
  if (!reading_) ++readers_.reading_;
  reading_ = true;
  const auto found = std::ranges::find_if(generations_, [&](const MemoryViews& each) {
    return each.generation().unique_id == shown.generation().unique_id;
  });
  CHECK(found != generations_.end(), "what has the mark has the generation");
  return *found;
}

}  // namespace sluice

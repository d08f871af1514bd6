#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "storage/memory/memory_hold.h"
#include "storage/memory/memory_views.h"

namespace sluice {

// What readers of a projection's views have open, and what keeps them from a mix of generations.
class MemoryReaders {
 public:
  // Committed: snapshots from now on have it.
  std::int64_t add_mark() { return ++newest_mark_; }
  // Whether a snapshot without the mark is open.
  [[nodiscard]] bool older_than(std::int64_t mark) const {
    return !snapshots_.empty() && *snapshots_.begin() < mark;
  }
  // Whether a transaction is open that has read the views: it keeps them as they are.
  [[nodiscard]] bool reading() const { return reading_ > 0; }
  // While it is held who comes to the views waits.
  MemoryLock& views() { return views_; }

 private:
  friend class MemorySnapshot;
  std::int64_t newest_mark_ = 0;
  std::multiset<std::int64_t> snapshots_;  // that are open, by the newest mark they have
  int reading_ = 0;
  MemoryLock views_;
};

// A reader's transaction in one snapshot, as REPEATABLE READ begins it.
class MemorySnapshot {
 public:
  // Of all generations that there are.
  MemorySnapshot(MemoryReaders& readers, const std::vector<const MemoryViews*>& generations);
  ~MemorySnapshot();
  MemorySnapshot(const MemorySnapshot&) = delete;
  MemorySnapshot& operator=(const MemorySnapshot&) = delete;

  // The generation that is live as the snapshot has it.
  [[nodiscard]] const MemoryViews& live() const;

  // As the snapshot has its rows, the generation that the views show now: definitions are those of
  // the moment, rows are not. Retryable (40001) where the snapshot lacks the mark with which
  // readers were given it; also while the views are locked.
  const MemoryViews& read(const MemoryViews& shown);

 private:
  MemoryReaders& readers_;
  const std::multiset<std::int64_t>::iterator among_;
  bool reading_ = false;
  std::vector<MemoryViews> generations_;
};

}  // namespace sluice

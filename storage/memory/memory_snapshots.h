#pragma once

#include <list>
#include <map>

#include "storage/memory/memory_state.h"
#include "storage/state_snapshots.h"

namespace sluice {

// What outlives processes: the snapshots of a partition.
class MemorySnapshotShelf {
 public:
  // As it says of itself, which need not be true, and the state in it, which need not be either.
  void add(KeptSnapshot about, const MemoryState& state) {
    kept_.emplace_front(std::move(about), state);
  }
  [[nodiscard]] bool empty() const { return kept_.empty(); }
  void clear() { kept_.clear(); }

 private:
  friend class MemorySnapshots;
  struct Kept {
    Kept(KeptSnapshot says, const MemoryState& has) : about(std::move(says)), state(has) {}
    KeptSnapshot about;
    MemoryState state;
  };
  std::list<Kept> kept_;
};

class MemorySnapshots final : public StateSnapshots {
 public:
  MemorySnapshots(const MemorySnapshotShelf& shelf, MemoryState& state)
      : shelf_(shelf), state_(state) {}

  [[nodiscard]] std::vector<KeptSnapshot> list() override;
  [[nodiscard]] Brought bring(const KeptSnapshot& snapshot) override;
  [[nodiscard]] bool restore(const KeptSnapshot& snapshot) override;

 private:
  const MemorySnapshotShelf& shelf_;
  MemoryState& state_;
};

}  // namespace sluice

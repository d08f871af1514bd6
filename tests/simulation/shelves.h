#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "sluice/state.pb.h"
#include "storage/base/position.h"
#include "storage/memory/memory_snapshots.h"
#include "storage/memory/memory_state.h"
#include "storage/state_snapshots.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/failpoint.h"
#include "tests/simulation/random_events.h"
#include "tests/simulation/subject.h"

namespace sluice::simulation {

// Where the snapshots of all processes' states are kept: true ones, and such as must not be begun
// from.
class Shelves {
 public:
  using Place = std::pair<const Subject*, Partition>;

  // All borrowed; `happened` counts what is done here.
  Shelves(Dice& dice, RandomEvents& ids, std::map<std::string, int>& happened)
      : dice_(dice), ids_(ids), happened_(happened) {}

  // Beside a state on this disk: some are slow to be brought.
  [[nodiscard]] std::unique_ptr<StateSnapshots> open(const Place& place, MemoryState& disk,
                                                     Failpoint& failpoint);
  // The state as it stands on the disk, if it has come anywhere. Now and then a false one with it.
  void keep(const Place& place, const MemoryState& disk);
  // All of a generation.
  void drop(const Subject* gone);

 private:
  // Of the same position, or further on, and tried first.
  void keep_false(MemorySnapshotShelf& shelf, StateCheckpoint head, const MemoryState& disk);
  void count(const std::string& fault) { ++happened_[fault]; }

  Dice& dice_;
  RandomEvents& ids_;
  std::map<std::string, int>& happened_;
  std::map<Place, MemorySnapshotShelf> shelves_;
};

}  // namespace sluice::simulation

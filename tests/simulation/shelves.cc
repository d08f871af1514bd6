#include "tests/simulation/shelves.h"

#include <cstdint>
#include <utility>

#include "projectors/engine/fold/state_checkpoint.h"
#include "tests/simulation/faulty.h"

namespace sluice::simulation {
namespace {

// Odd, and bits of all places.
constexpr std::uint64_t kMixed = 0x9E3779B97F4A7C15U;

// With next to no rows: who folds on from it does not get those of the log.
MemoryState hollow(const StateCheckpoint& head) {
  MemoryState state;
  StateBatch batch;
  batch.put(kCheckpointKey, head.SerializeAsString());
  state.write(batch);
  return state;
}

KeptSnapshot about(const StateCheckpoint& head, std::string path) {
  return {.path = std::move(path),
          .generation_id = head.generation_id(),
          .version = head.version(),
          .position = Offset{head.position()},
          .digest = Digest{head.digest()},
          .published = head.published()};
}

}  // namespace

std::unique_ptr<StateSnapshots> Shelves::open(const Place& place, MemoryState& disk,
                                              Failpoint& failpoint) {
  return std::make_unique<FaultySnapshots>(
      std::make_unique<MemorySnapshots>(shelves_[place], disk), disk, failpoint,
      [this] {
        const bool slow = dice_.chance(50);
        if (slow) count("snapshot still under way");
        return slow;
      },
      [this] { count("begun from a snapshot"); });
}

void Shelves::keep(const Place& place, const MemoryState& disk) {
  const auto stored = disk.rows().find(std::string(kCheckpointKey));
  StateCheckpoint head;
  if (stored == disk.rows().end() || !head.ParseFromString(stored->second)) return;
  if (head.position() == 0) return;
  count("snapshot made");
  MemorySnapshotShelf& shelf = shelves_[place];
  shelf.add(about(head, std::to_string(ids_.take_id())), disk);
  if (dice_.chance(50)) keep_false(shelf, head, disk);
}

void Shelves::drop(const Subject* gone) {
  std::erase_if(shelves_, [&](const auto& shelf) { return shelf.first.first == gone; });
}

void Shelves::keep_false(MemorySnapshotShelf& shelf, StateCheckpoint head,
                         const MemoryState& disk) {
  count("false snapshot made");
  KeptSnapshot says = about(head, std::to_string(ids_.take_id()));
  switch (dice_.below(6)) {
    case 0:
      says.fault = SnapshotFault::torn;
      break;
    case 1:
      says.generation_id = "another";
      break;
    case 2:
      ++says.version;
      break;
    case 3:  // what describes it is of another
      says.digest.value ^= 1;
      return shelf.add(std::move(says), disk);
    case 4:  // of a log that had another record there: never twice the same, nor back to this one
      head.set_digest(head.digest() ^ kMixed * static_cast<std::uint64_t>(ids_.next_id()));
      says.digest = Digest{head.digest()};
      break;
    default:  // of a view that a restore took back
      head.set_position(head.position() + dice_.below(40));
      says.position = Offset{head.position()};
      head.set_published(head.published() + 1000);
      says.published = head.published();
      break;
  }
  shelf.add(std::move(says), hollow(head));
}

}  // namespace sluice::simulation

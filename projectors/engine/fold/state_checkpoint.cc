#include "projectors/engine/fold/state_checkpoint.h"

#include "storage/damaged_state.h"

namespace sluice {

std::optional<StateCheckpoint> stored_checkpoint(const GetState& get) {
  std::string bytes;
  if (!get(kCheckpointKey, bytes)) return std::nullopt;
  StateCheckpoint checkpoint;
  if (!checkpoint.ParseFromString(bytes))
    throw DamagedState("the checkpoint of a partition's state cannot be read");
  return checkpoint;
}

std::optional<StateCheckpoint> stored_checkpoint(StateStore& store) {
  return stored_checkpoint(
      [&](std::string_view key, std::string& value) { return store.get(key, value); });
}

}  // namespace sluice

#pragma once

// How far the state in a store has come: the engine's own key in it; tables' keys begin with 0x80
// and above.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/state.pb.h"
#include "storage/state_store.h"

namespace sluice {

inline constexpr std::string_view kCheckpointKey = "head";

// As StateStore::get(); of a state that is only looked into, too.
using GetState = std::function<bool(std::string_view key, std::string& value)>;

// Of whatever generation. nullopt: there is no state. Corrupt: it cannot be read.
[[nodiscard]] std::optional<StateCheckpoint> stored_checkpoint(const GetState& get);
[[nodiscard]] std::optional<StateCheckpoint> stored_checkpoint(StateStore& store);

}  // namespace sluice

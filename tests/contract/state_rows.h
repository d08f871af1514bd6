#pragma once

// Reading and writing a state's rows, for the suites on state.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/state_store.h"

namespace sluice::testing {

using StateRows = std::vector<std::pair<std::string, std::string>>;

// What is left to walk; the cursor is at its end then.
StateRows rows_of(StateCursor& cursor);
StateRows rows_of(StateStore& store, std::string_view from = {}, std::string_view to = {});
std::optional<std::string> get(StateStore& store, std::string_view key);
// In one batch.
void put_all(StateStore& store, const StateRows& rows);

}  // namespace sluice::testing

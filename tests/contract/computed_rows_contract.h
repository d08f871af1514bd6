#pragma once

#include "tests/contract/projection_sink_contract.h"

namespace sluice::testing {

// Part of projection_sink_contract(): rows that a key has as a whole, computed or repaired.
void computed_rows_contract(const MakeSink& make);

}  // namespace sluice::testing

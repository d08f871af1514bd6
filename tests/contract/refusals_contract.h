#pragma once

#include "tests/contract/projection_sink_contract.h"

namespace sluice::testing {

// Part of projection_sink_contract(): what a view tells of records that were not folded, and of
// decisions on them.
void refusals_contract(const MakeSink& make);

}  // namespace sluice::testing

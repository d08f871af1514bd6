#pragma once

#include "tests/contract/projection_sink_contract.h"

namespace sluice::testing {

// Part of projection_sink_contract(): what owners say of their partitions and learn by that.
void shown_progress_contract(const MakeSink& make);

}  // namespace sluice::testing

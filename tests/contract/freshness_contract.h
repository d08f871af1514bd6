#pragma once

#include "tests/contract/projection_sink_contract.h"

namespace sluice::testing {

// How every sink tells how fresh its view is, from what owners say (LogProgress::unseen). Called
// from a TEST_CASE.
void freshness_contract(const MakeSink& make);

}  // namespace sluice::testing

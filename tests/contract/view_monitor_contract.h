#pragma once

#include "tests/contract/projection_sink_contract.h"

namespace sluice::testing {

// What every ViewMonitor keeps (storage/view_monitor.h), beside the sink of its technology. Called
// from a TEST_CASE.
void view_monitor_contract(const MakeSink& make);

}  // namespace sluice::testing

#pragma once

#include "tests/contract/event_log_contract.h"

namespace sluice::testing {

// The part of the contract of every log that is about who reads: where reading begins, seeks,
// pauses and waits.
void log_readers_contract(const MakeLog& make);

}  // namespace sluice::testing

#pragma once

#include "tests/contract/event_log_contract.h"

namespace sluice::testing {

// What a reader says of where it stands, and how it passes over offsets that no record has. A part
// of event_log_contract().
void log_gaps_contract(const MakeLog& make);

}  // namespace sluice::testing

#pragma once

#include "tools/sluice/cli/program.h"

namespace sluice {

// `sluice quarantine release`, `discard` and `edit`.
void add_decisions(Command& quarantine);

}  // namespace sluice

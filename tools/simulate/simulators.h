#pragma once

#include "tools/sluice/cli/program.h"

namespace sluice {

// Adds a command for every kind of traffic: the file simulate_<name>.cc defines
// add_simulate_<name>().
void add_simulators(Command& simulate);

}  // namespace sluice

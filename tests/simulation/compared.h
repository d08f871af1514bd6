#pragma once

#include "storage/memory/memory_swap.h"
#include "tests/simulation/subject.h"

namespace sluice::simulation {

// Holds what a comparison finds, in the snapshot that it has open now, against what the two
// accounts differ in. Throws Broken.
void check_compared(const Subject& live, const Subject& other, const MemoryComparison& comparing);

}  // namespace sluice::simulation

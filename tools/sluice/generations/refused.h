#pragma once

#include "storage/postgres/generations.h"
#include "tools/sluice/cli/program.h"

namespace sluice {

// Prints {"refused":"WORD","reason":"..."}, by which scripts tell why nothing was done.
Exit print_refused(const GenerationRefusal& refusal);

}  // namespace sluice

#pragma once

#include "storage/postgres/generations.h"
#include "storage/postgres/swap/promotion.h"
#include "tools/sluice/cli/program.h"

namespace sluice {

// Prints {"refused":"WORD","reason":"..."}, by which scripts tell why nothing was done.
Exit print_refused(const GenerationRefusal& refusal);

// Prints {"live":2,"was":1,"positions":{"0":812}}, or why not; on stderr what of it was left.
Exit print_promoted(const char* command, const Promoted& promoted);

}  // namespace sluice

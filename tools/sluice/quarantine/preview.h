#pragma once

// What a decision on quarantine would change of the rows that readers see. Nothing is appended.

#include <string>

#include "tools/sluice/quarantine/decision.h"
#include "tools/sluice/quarantine/quarantined.h"
#include "tools/sluice/replay/viewed_key.h"

namespace sluice {

// {"differences": [{"table", "key", "column", "expected", "found"}]}: `expected` is what the row
// would have, `found` what it has now. Of the tables that follow from one key's records.
// Misconfigured as the decision itself is. `decision` was located.
[[nodiscard]] std::string preview_of(const KeySources& sources, const QuarantineDecision& decision,
                                     const QuarantinedPlace& place);

}  // namespace sluice

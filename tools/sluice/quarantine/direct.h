#pragma once

#include <string>

#include "tools/sluice/node/log.h"
#include "tools/sluice/quarantine/decision.h"
#include "tools/sluice/quarantine/quarantined.h"

namespace sluice {

// Appends the decision to the log itself, which must be nobody else's while it is embedded. What is
// there is asked of Postgres where a URL is given and it answers, else of the log, which knows the
// key of a record but not whether it was folded. `decision` has what is not found there: verdict,
// projection, event, who and why. Returns the token. Misconfigured, naming what is there, when that
// is something else.
[[nodiscard]] std::string decide_directly(const LogOptions& log, const std::string& postgres,
                                          QuarantineDecision decision,
                                          const QuarantineQuery& query);

}  // namespace sluice

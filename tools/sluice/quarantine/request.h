#pragma once

#include <chrono>
#include <string>

#include "storage/postgres/connection.h"
#include "tools/sluice/quarantine/decision.h"
#include "tools/sluice/quarantine/quarantined.h"

namespace sluice {

// Asks the processes that project to decide, through sluice.request, and returns the token of the
// position at which the decision takes effect. Misconfigured with the reason when it is refused,
// and when no process answers within `patience`: then none will.
[[nodiscard]] std::string request_decision(PgConnection& postgres,
                                           const QuarantineDecision& decision,
                                           const QuarantineQuery& what,
                                           std::chrono::milliseconds patience);

// The same, of what the decision would change: the owner of the partition answers, with JSON.
[[nodiscard]] std::string request_preview(PgConnection& postgres,
                                          const QuarantineDecision& decision,
                                          const QuarantineQuery& what,
                                          std::chrono::milliseconds patience);

}  // namespace sluice

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
[[nodiscard]] std::string request_decision(PgConnection& postgres, Verdict verdict,
                                           const QuarantineQuery& what,
                                           std::chrono::milliseconds patience);

}  // namespace sluice

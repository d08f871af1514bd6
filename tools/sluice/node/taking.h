#pragma once

#include <span>
#include <string>
#include <vector>

#include "projectors/engine/projection.h"
#include "storage/postgres/connection.h"

namespace sluice {

// Partitions of a starting process's projections that no process of their group has.
struct NotTaken {
  std::vector<std::string> partitions;  // each with why: "deliberation:3: ..."
  bool all_told = true;                 // by a process: why it does not take them
};

// `begun`: when the process began, by the database's clock. A partition taken before that may be a
// killed process's: only owners with a heartbeat since then count.
[[nodiscard]] NotTaken not_taken(PgConnection& asked, std::span<const Projection> projections,
                                 const std::string& begun);

}  // namespace sluice

#pragma once

// Rows of sluice.position that somebody deleted. Without one nobody knows which records a
// partition's rows reflect: folding from the beginning over them would show no prefix of the log,
// and readers a position that goes back. What tells it is the partition's row of sluice.heartbeat,
// which says that it was taken, and comes and goes with a generation.

#include <optional>
#include <string>

#include "storage/base/position.h"
#include "storage/postgres/connection.h"

namespace sluice {

// What is lost of a generation, of this partition alone where one is named, and what to do;
// nullopt: nothing is.
[[nodiscard]] std::optional<std::string> lost_positions(
    PgConnection& connection, const std::string& projection, const std::string& generation,
    std::optional<Partition> partition = std::nullopt);

// Makes the lost rows again, for a view that is set back to the log's beginning: in the transaction
// that does so. What was emitted before the last owner took the partition is not emitted again;
// what that one emitted is, and receivers drop it.
void restore_lost_positions(PgConnection& connection, const std::string& projection,
                            const std::string& generation);

}  // namespace sluice

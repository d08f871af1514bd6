#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "storage/postgres/connection.h"

namespace sluice {

// How long as many commits of nothing took, ascending: what each waits for is its record in the
// write-ahead log, durable on the server's disk, and the way there and back. nullopt: commits do
// not wait for the disk here (a standby; synchronous_commit or fsync is off). Throws what the
// connection throws.
[[nodiscard]] std::optional<std::vector<std::chrono::nanoseconds>> time_commits(
    PgConnection& connection, int commits);

}  // namespace sluice

#pragma once

// What a private server's settings have of its size: how much of its write-ahead log it keeps.

#include <cstdint>

#include "storage/postgres/private_roles.h"

namespace sluice {

// How many megabytes of write-ahead log there may be between checkpoints, for tables of so many
// bytes. Twice the tables, as a power of two from 256 to 2,048: each checkpoint has every page that
// is changed after it written to that log once more, so that more than twice the tables saves
// little, and less than that costs much of what is flushed.
[[nodiscard]] int wal_megabytes(std::uint64_t table_bytes);

// Has the server keep as much as fits its databases now, until it is said again; nothing when it
// does already. Throws as its connection does.
void fit_write_ahead_log(int port, const RolePasswords& passwords);

}  // namespace sluice

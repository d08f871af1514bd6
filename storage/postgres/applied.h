#pragma once

// DDL that is run again only once it has changed: sluice.applied says which was run last.

#include <string>

#include "storage/postgres/connection.h"

namespace sluice {

// Appliers, and who makes or retires a generation, wait for each other until the transaction ends.
void begin_applying(PgConnection& connection);

[[nodiscard]] bool applied_before(PgConnection& connection, const std::string& name,
                                  const std::string& sql);
void note_applied(PgConnection& connection, const std::string& name, const std::string& sql);
// Also notes that it was.
void run_ddl(PgConnection& connection, const std::string& name, const std::string& sql);

// The schema `sluice`, brought up to this program's; where it is that already, only if `again`.
void apply_engine(PgConnection& connection, bool again);

// Names the session with the oldest transaction, after a lock was waited for in vain.
[[nodiscard]] std::string holder_of_locks(PgConnection& connection);

}  // namespace sluice

#pragma once

// What processes that project say of themselves, in their rows of sluice.process.

#include "storage/postgres/connection.h"
#include "tools/sluice/doctor/finding.h"
#include "tools/sluice/doctor/question.h"

namespace sluice {

// slow_fsync, disk, memory, rocksdb_stall, clock: of a process and its machine. Throws Retryable.
void find_in_machines(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis);
// twin, rebalancing, throttled, version, hot_key: of processes among each other and their log.
void find_among_processes(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis);

}  // namespace sluice

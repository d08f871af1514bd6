#pragma once

// What Postgres's catalogues and statistics say. Each adds to the diagnosis what it finds, and
// throws Retryable.

#include "storage/postgres/connection.h"
#include "tools/sluice/doctor/finding.h"
#include "tools/sluice/doctor/question.h"

namespace sluice {

// lock_holder. Again and again where a flush waits: between two tries nobody is seen to wait.
void find_lock_holders(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis);
// idle_transaction, connections.
void find_in_sessions(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis);
// bloat, autovacuum, index_invalid.
void find_in_tables(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis);
// index_missing.
void find_missing_indexes(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis);
// slow_fsync, clock: by commits of its own, which change no row, and this machine's clock.
void find_in_server(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis);

}  // namespace sluice

#pragma once

// DDL that is run again only once it has changed: sluice.applied says which was run last.

#include <chrono>
#include <string>

#include "storage/base/errors.h"
#include "storage/postgres/connection.h"

namespace sluice {

// How long an applier waits for a lock, and how often it begins anew. In Postgres a session that
// waits for an exclusive lock holds up every later reader of the table, so the first waits are
// shorter than a reader notices. Later waits are longer, for tables that are busy all the time, and
// still end before deadlock_timeout (1 s), so that no reader or flush is ended for an applier.
class LockPatience {
 public:
  [[nodiscard]] std::chrono::milliseconds wait() const { return wait_; }
  // Pauses before another try; false: there were enough.
  [[nodiscard]] bool again();

 private:
  std::chrono::milliseconds wait_{50};
  const std::chrono::steady_clock::time_point end_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(10);
};

// Appliers, and who makes or retires a generation, wait for each other until the transaction ends.
// A lock on anything else is waited for so long at most.
void begin_applying(PgConnection& connection, std::chrono::milliseconds lock_wait);

// Locks the generation's positions, as a flush does before it locks tables: a flush that is under
// way ends first, 10 s at most, and none begins until the transaction ends.
void lock_positions(PgConnection& connection, std::string_view domain, const std::string& number,
                    std::chrono::milliseconds lock_wait);

// Whether a transaction that applies ended since another had to go on: it waited long enough for a
// lock, Postgres chose it to end a deadlock (a reader or a flush holds one table and wants the
// next), or both changed the catalogue.
[[nodiscard]] bool gave_way(const Retryable& failure);

// Runs `work(lock_wait)`, a whole transaction that begins with begin_applying(), and answers what
// it does; runs it again where the transaction gave way. Throws what the last try threw, rolled
// back.
template <class Work>
auto as_applier(PgConnection& connection, Work work) {
  for (LockPatience patience;;) {
    try {
      return work(patience.wait());
    } catch (const Retryable& failure) {
      connection.roll_back();
      if (!gave_way(failure) || !patience.again()) throw;
    }
  }
}

[[nodiscard]] bool applied_before(PgConnection& connection, const std::string& name,
                                  const std::string& sql);
void note_applied(PgConnection& connection, const std::string& name, const std::string& sql);
// Also notes that it was.
void run_ddl(PgConnection& connection, const std::string& name, const std::string& sql);

// The number of what engine.sql makes: raised with every change of it. An older program leaves the
// schema `sluice` of a newer one as it is.
inline constexpr int kEngineRevision = 2;
// The least number whose programs may work on what this engine.sql makes: raised to kEngineRevision
// where an older program would misread it, or write what a newer one would.
inline constexpr int kEngineLeastRevision = 1;

// Misconfigured: a newer program has made the schema `sluice`, and this one may not work on it; or
// a table of it has lost its primary key.
void require_known_engine(PgConnection& connection);
// The schema `sluice`, brought up to this program's; where it is that already, or a newer one's,
// only if `again`, or not at all. Throws as require_known_engine().
void apply_engine(PgConnection& connection, bool again);
[[nodiscard]] bool engine_is_applied(PgConnection& connection);

// Names the session with the oldest transaction, after a lock was waited for in vain.
[[nodiscard]] std::string holder_of_locks(PgConnection& connection);

}  // namespace sluice

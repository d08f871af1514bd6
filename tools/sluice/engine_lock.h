#pragma once

// Who has locked a table of the engine, so that every question would wait: VACUUM FULL, pg_restore,
// or a person. Found in catalogues alone, which nobody locks.

#include <chrono>
#include <optional>
#include <string>

#include "storage/postgres/connection.h"

namespace sluice {

struct EngineLock {
  std::string pid;       // of the server's process
  std::string evidence;  // a JSON object: pid, user, application, client, state, query, table, ...
  std::optional<std::string> since;  // RFC 3339; nullopt: the asking role may not know
  std::string what;                  // a sentence without its end

  // SQL that ends it.
  [[nodiscard]] std::string end() const { return "SELECT pg_terminate_backend(" + pid + ")"; }
};

// The oldest that is held for at least so long, or for nobody knows how long. Throws Retryable.
[[nodiscard]] std::optional<EngineLock> engine_lock(PgConnection& postgres,
                                                    std::chrono::milliseconds older);

}  // namespace sluice

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/postgres/connection.h"

namespace sluice {

// How a server and our database on it are, as far as the session's user may see.
struct PostgresVitals {
  std::string version;
  bool replica = false;
  std::int64_t connections = 0;  // of all clients, to any database
  std::int64_t connections_max = 0;
  std::int64_t committed = 0;  // transactions of the database since its statistics began
  std::int64_t rolled_back = 0;
  std::int64_t deadlocks = 0;
  std::int64_t temporary_bytes = 0;       // of sorts and joins that did not fit memory, since then
  std::optional<double> cached = {};      // part of the blocks that were found in its cache
  double oldest_transaction_seconds = 0;  // of those that go on; 0: none
  // How far this machine's clock is ahead of the server's; negative: behind it. Exact to half of
  // the time that a question took, which is counted in its favour.
  double clock_ahead_seconds = 0;
};

// Throws what the connection throws.
[[nodiscard]] PostgresVitals ask_vitals(PgConnection& connection);

}  // namespace sluice

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "storage/postgres/connection.h"
#include "storage/postgres/postgres_vitals.h"

namespace sluice {

// A process that projects, as others know it.
struct ProcessIdentity {
  std::string instance;  // HOST:PROCESS:START, as the owners of its partitions begin
  std::string host;
  int pid = 0;
  std::string version;
};

// The row of a process in sluice.process, over a session of its own that waits for nothing long.
// One thread.
class ProcessRow {
 public:
  ProcessRow(const std::string& url, ProcessIdentity identity);

  // Renews the row with `vitals`, which is JSON, and removes those of processes that have not
  // renewed theirs for a minute. Throws Retryable, or Misconfigured where that is not allowed.
  void renew(std::string_view vitals);
  // Of the server, over the same session.
  [[nodiscard]] PostgresVitals server() { return ask_vitals(connection_); }
  // The process ends in order. Best effort: others remove it otherwise.
  void remove() noexcept;

 private:
  const ProcessIdentity identity_;
  PgConnection connection_;
};

}  // namespace sluice

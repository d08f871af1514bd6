#include "storage/postgres/commit_times.h"

#include <algorithm>

namespace sluice {

std::optional<std::vector<std::chrono::nanoseconds>> time_commits(PgConnection& connection,
                                                                  int commits) {
  const PgResult waits = connection.run(
      "SELECT NOT pg_is_in_recovery() AND current_setting('fsync')::boolean "
      "AND current_setting('synchronous_commit') <> 'off'");
  if (waits.text(0, 0) != "t") return std::nullopt;
  std::vector<std::chrono::nanoseconds> took;
  for (int n = 0; n < commits; ++n) {
    // A transaction that wrote nothing would commit without its record.
    connection.run("BEGIN; SELECT pg_logical_emit_message(true, 'sluice', '')");
    const auto begun = std::chrono::steady_clock::now();
    connection.run("COMMIT");
    took.push_back(std::chrono::steady_clock::now() - begun);
  }
  std::ranges::sort(took);
  return took;
}

}  // namespace sluice

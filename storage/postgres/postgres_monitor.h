#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "storage/postgres/connection.h"
#include "storage/view_monitor.h"

namespace sluice {

// Looks at views in Postgres, over a session of its own that waits for nothing long.
class PostgresMonitor final : public ViewMonitor {
 public:
  explicit PostgresMonitor(const std::string& url);

  std::map<std::string, std::string> locks(std::span<const std::string> sessions) override;
  void speak_for(std::string_view projection, int generation,
                 std::span<const LogProgress> progress) override;
  std::vector<GenerationSeen> generations(std::span<const std::string> projections) override;
  std::vector<UnownedPartition> unowned(std::span<const std::string> projections) override;

 private:
  // What a session waits for. A flush that gave up is tried again: as long as the same transaction
  // is in the way, it has waited since the first try.
  struct Wait {
    std::string for_what;  // the lock, and whose transaction has it
    std::string since;     // of the first try
    std::chrono::steady_clock::time_point seen;
  };

  // Since when the session waits for what row `i` of the answer says.
  const std::string& since(const std::string& session, const PgResult& rows, int i);

  PgConnection connection_;
  std::map<std::string, Wait> waits_;  // by session
};

}  // namespace sluice

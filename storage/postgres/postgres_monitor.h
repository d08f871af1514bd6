#pragma once

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
  PgConnection connection_;
};

}  // namespace sluice

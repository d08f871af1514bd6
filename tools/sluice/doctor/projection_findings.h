#pragma once

// What the engine's own tables say of projections.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/connection.h"
#include "tools/sluice/doctor/finding.h"
#include "tools/sluice/doctor/question.h"
#include "tools/sluice/doctor/way_out.h"

namespace sluice {

// Partitions that are not folded or not flushed, as they were at one moment. Another look at them
// tells those apart that work again by themselves.
class StandingPartitions {
 public:
  // Throws Retryable, as the next.
  StandingPartitions(PgConnection& postgres, const Scope& scope);

  [[nodiscard]] bool none() const { return standing_.empty(); }
  // standing_still: of those that have not moved since, one of all that have the same trouble. Wait
  // some seconds before.
  void find_still(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) const;

 private:
  struct Standing {
    std::string projection;
    std::int64_t partition = 0;
    std::int64_t position = 0;
    std::string evidence;
    std::optional<std::string> since;
    StandingStill still;
  };

  [[nodiscard]] bool stands_there(const Standing& now) const;
  [[nodiscard]] static std::vector<Standing> look(PgConnection& postgres, const Scope& scope);

  std::vector<Standing> standing_;
};

// generation_left, quarantine_repeats, audit_differences.
void find_in_projections(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis);
// no_owner: first of all those whose processes are gone or hang, which are no consequence of
// anything here, and last those that a process which is heard projects and has not taken.
// `log_asked`: whether scope.waiting is what the log says.
void find_unowned(PgConnection& postgres, const Scope& scope, bool log_asked, Diagnosis& diagnosis);

}  // namespace sluice

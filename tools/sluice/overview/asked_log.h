#pragma once

#include <map>
#include <memory>
#include <string>

#include "tools/sluice/database.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/log_check.h"

namespace sluice {

// Where nobody projects, nobody says how far a view is behind: the log is asked itself. What it is
// not, compared with the views, is a trouble.
class AskedLog {
 public:
  AskedLog(const LogOptions& options, const std::string& postgres);

  // `partitions` has the columns projection, partition, position, log_end, lag, freshness_seconds
  // and owned; `troubles` begins with projection, partition, trouble. Throws Misconfigured where it
  // is another log.
  void complete(Answer& partitions, Answer& troubles);

 private:
  StreamSeen look(const std::string& projection, Answer& troubles);

  const std::unique_ptr<Log> log_;
  const std::unique_ptr<LogTopology> topology_;
  const ViewStands stands_;
  std::map<std::string, StreamSeen> seen_;
  bool silent_ = false;  // it did not answer, and is not asked for other projections
};

}  // namespace sluice

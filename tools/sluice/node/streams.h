#pragma once

// The streams of a process's domains: made where they are missing, and looked after.

#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "ingest/appender.h"
#include "schemas/descriptors/domain.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/log_watch.h"

namespace sluice {

// A LogWatch, with what it looks at and, once begun, a thread of its own.
class Streams {
 public:
  // `postgres`: URL of the views' database; empty: the process has none. `partitions`: of each
  // domain to look after, see LogWatch. The log outlives this.
  Streams(Log& log, const std::string& postgres,
          std::map<std::string, int, std::less<>> partitions);
  ~Streams();

  [[nodiscard]] LogWatch& watch() { return watch_; }

  // Makes what is missing, but for streams that views stand on: `own` are the domains of this
  // process, all others may be emitted to. After watch().start(). Misconfigured: a stream of its
  // own has other partitions, and no views yet.
  void make_missing(std::span<const Domain> own, int partitions);

  // From now on it is looked after, until this is destroyed.
  void begin();

 private:
  const std::unique_ptr<LogTopology> topology_;
  const std::unique_ptr<StreamSettings> settings_;
  const std::unique_ptr<StandingViews> views_;
  LogWatch watch_;
  std::jthread watching_;
};

// As ingest is told of it.
[[nodiscard]] AppendedLog appended_log(LogWatch& watch);

[[nodiscard]] std::vector<std::string> joined(std::vector<std::string> some,
                                              const std::vector<std::string>& more);

}  // namespace sluice

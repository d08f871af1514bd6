#pragma once

// Records of the log that a token or an event's id names.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schemas/descriptors/domain.h"
#include "sluice/envelope.pb.h"
#include "storage/event_log.h"
#include "tools/sluice/client/token.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/replay/viewed_key.h"

namespace sluice {

struct FoundRecord {
  Domain domain;
  Partition partition;
  Offset offset;
  std::string key;  // as the fold sees it
  std::string type;
  Envelope envelope;             // empty where the bytes are none
  std::int64_t recorded_at = 0;  // milliseconds since 1970
};

// The last record of each place that the token names. Misconfigured: it is of another log.
[[nodiscard]] std::vector<FoundRecord> find_by_token(Log& log, const Token& token,
                                                     const std::vector<Domain>& domains);

// Those of the id in the domain's stream that were appended at `since` or later.
[[nodiscard]] std::vector<FoundRecord> find_by_id(Log& log, const Domain& domain,
                                                  const std::string& id, Time since);

// Those of the id under this key, by the index of keys and, behind what the index knows, by the
// log. Where there is no index the partition is folded. Those that were misrouted are found once
// they are in quarantine.
[[nodiscard]] std::vector<FoundRecord> find_by_key(const KeySources& sources, const Domain& domain,
                                                   const std::string& id, const std::string& key);

}  // namespace sluice

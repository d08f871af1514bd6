#pragma once

// Whether a log is the one that views were folded from.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "storage/log_topology.h"
#include "tools/sluice/node/view_stand.h"

namespace sluice {

// A stream as it was found.
struct StreamSeen {
  struct Seen {
    LogRange range;
    std::optional<LogIdentity> identity;
  };
  std::string log;  // the name of the log that was looked at
  std::string stream;
  std::optional<int> partitions;  // nullopt: there is no such stream
  std::map<Partition, Seen> seen;
};

// Asks for every partition. Throws Retryable.
[[nodiscard]] StreamSeen look_at(LogTopology& topology, const std::string& stream);

struct LogMismatch {
  enum class Kind {
    another_log,  // the whole log is another one
    gone,         // the stream is not there; it may come back
    partitions,   // there are more or fewer
    made_anew,    // the stream has the name of the old one, and other records
  };
  Kind kind;
  std::string text;  // which stream, what is wrong, what to do
  friend bool operator==(const LogMismatch&, const LogMismatch&) = default;
};

// Why the views of `projection` were not folded from what was seen; nullopt: nothing says so. That
// a log has lost its tail and grown again is told by digests alone, where it is read.
[[nodiscard]] std::optional<LogMismatch> mismatch(std::string_view projection,
                                                  const ViewStand& stand, const StreamSeen& seen);

// Whether a view that is bound to no log yet may be: it has folded nothing, or from this one.
[[nodiscard]] bool may_bind(const ViewStand& stand, const StreamSeen& seen);

}  // namespace sluice

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
  std::optional<int> partitions;   // nullopt: there is no such stream
  std::map<Partition, Seen> seen;  // without those that damage hides
};

// Asks for every partition. Throws Retryable; Corrupt where damage hides the whole log.
[[nodiscard]] StreamSeen look_at(LogTopology& topology, const std::string& stream);

struct LogMismatch {
  enum class Kind {
    another_log,  // the whole log is another one
    gone,         // the stream is not there; it may come back
    partitions,   // there are more or fewer
    made_anew,    // the stream has the name of the old one, and other records
    unreadable,   // damage hides which streams there are
  };
  Kind kind;
  std::string text;  // which stream, what is wrong, what to do
  friend bool operator==(const LogMismatch&, const LogMismatch&) = default;
};

// Why the views of `projection` were not folded from what was seen; nullopt: nothing says so.
[[nodiscard]] std::optional<LogMismatch> mismatch(std::string_view projection,
                                                  const ViewStand& stand, const StreamSeen& seen);

// What is wrong with `seen` where no views say how many partitions they were made for, and this
// process was told `told` by --partitions.
[[nodiscard]] std::string other_than_told(std::string_view projection, int told,
                                          const StreamSeen& seen);

// Of each partition that ends before what was folded of it: what is wrong, and what to do. The log
// is looked at after the views. One that has grown past them again is told by digests alone, where
// it is read.
[[nodiscard]] std::map<Partition, std::string> lost_tails(std::string_view projection,
                                                          const ViewStand& stand,
                                                          const StreamSeen& seen);

// Whether a view that is bound to no log yet may be: it has folded nothing, or from this one.
[[nodiscard]] bool may_bind(const ViewStand& stand, const StreamSeen& seen);

}  // namespace sluice

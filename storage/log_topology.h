#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/base/log_identity.h"
#include "storage/base/position.h"

namespace sluice {

// What a partition holds: offsets in [begin, end), all of them durable.
struct LogRange {
  Offset begin;
  Offset end;
  friend bool operator==(const LogRange&, const LogRange&) = default;
};

// Which streams there are, and in which log. Any thread, one at a time.
class LogTopology {
 public:
  virtual ~LogTopology() = default;

  // How many partitions the stream has; nullopt when there is no such stream.
  virtual std::optional<int> partitions(std::string_view stream) = 0;

  // Makes the stream, with unlimited retention. Exists with as many partitions: nothing happens;
  // with another number: Misconfigured, since keys would move to other partitions.
  virtual void create(std::string_view stream, int partitions) = 0;

  // Throws Misconfigured when there is no such stream or partition.
  virtual LogRange range(std::string_view stream, Partition partition) = 0;

  // Names the log among all logs, for good: Kafka's cluster id, the embedded log's own. For people
  // and for comparing.
  virtual std::string name() = 0;

  // Tells the partition from every other that there ever was, also from one of the same stream
  // before it was deleted and made anew. nullopt while nothing tells it: some have no identity
  // before their first record, or after that has gone. Throws as range() does.
  virtual std::optional<LogIdentity> identity(std::string_view stream, Partition partition) = 0;
};

}  // namespace sluice

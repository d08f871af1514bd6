#pragma once

#include <optional>
#include <string_view>

#include "storage/base/position.h"

namespace sluice {

// What a partition holds: offsets in [begin, end), all of them durable.
struct LogRange {
  Offset begin;
  Offset end;
  friend bool operator==(const LogRange&, const LogRange&) = default;
};

// Which streams there are. Any thread, one at a time.
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
};

}  // namespace sluice

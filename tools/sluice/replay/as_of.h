#pragma once

#include <optional>
#include <string>

#include "storage/base/position.h"
#include "tools/sluice/records/partition_records.h"
#include "tools/sluice/replay/key_history.h"

namespace sluice {

// Either, or neither: as of now.
struct AsOf {
  std::optional<Offset> offset;
  std::optional<Time> time;
};

// Misconfigured: the text is neither an offset nor a time. Asks Postgres for what a time says.
[[nodiscard]] AsOf read_as_of(const std::string& text, const std::string& postgres);

// Behind the last record before the first one that is stamped later than `time`, and not beyond
// `end`. By the marks of the index, then by the records between two of them.
[[nodiscard]] Offset position_as_of(Time time, const KeyHistory& history, const KeyPlace& place,
                                    Offset end, PartitionRecords& records);

}  // namespace sluice

#pragma once

// Where something stands: in a log, and in time.

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>

namespace sluice {

// A partition of a stream, 0-based.
struct Partition {
  std::int32_t value = 0;
  friend auto operator<=>(const Partition&, const Partition&) = default;
};

// The place of a record in its partition. As a *position* it is the next offset to read: a reader
// at position n has taken everything before n. Offsets ascend; a log may leave some out.
struct Offset {
  std::int64_t value = 0;
  [[nodiscard]] Offset next() const { return Offset{value + 1}; }
  friend auto operator<=>(const Offset&, const Offset&) = default;
};

// Wall-clock time as the log and the tables have it: milliseconds since 1970, UTC.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;

// Identifies one record of one incarnation of a log: a hash of its key and value bytes, its offset
// and the log's own timestamp. {} stands for "no record yet" (position 0).
struct Digest {
  std::uint64_t value = 0;
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

}  // namespace sluice

template <>
struct std::hash<sluice::Partition> {
  std::size_t operator()(sluice::Partition p) const noexcept {
    return std::hash<std::int32_t>{}(p.value);
  }
};

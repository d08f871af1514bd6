#pragma once

// Looking into an index, beside who keeps it.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "projectors/engine/key_index/posting.h"
#include "storage/state_store.h"

namespace sluice {

// StateStore::scan() of the partition's state, or StateSnapshot's.
using ScanState =
    std::function<std::unique_ptr<StateCursor>(std::string_view from, std::string_view to)>;

[[nodiscard]] std::uint64_t hash_of_key(std::string_view key);

// What the index says of the key, of records below `below`. Of another key of the same hash, too.
// Throws what the scan throws; Corrupt where the index cannot be read.
[[nodiscard]] Postings postings_of(const ScanState& scan, std::string_view key, Offset below);

struct TimeMark {
  Offset offset;  // of a record
  Time before;    // record time as it was met
};
// The last record of those that are marked, one in a thousand, at which record time was not beyond
// `time`; nullopt: none of them.
[[nodiscard]] std::optional<TimeMark> last_mark_not_after(const ScanState& scan, Time time);

}  // namespace sluice

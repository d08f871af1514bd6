#pragma once

// What a key's rows follow from: the postings of its index, asked of the owner of the partition, or
// read from the state folder; or else made by folding the whole partition (folded_history.h).

#include <filesystem>
#include <optional>
#include <string>

#include "projectors/engine/key_index/key_lookup.h"
#include "projectors/engine/projection.h"
#include "storage/postgres/connection.h"
#include "storage/projection_sink.h"
#include "tools/sluice/node/log.h"

namespace sluice {

struct KeyPlace {
  const Projection& projection;
  const Generation& generation;
  Partition partition;
  std::string key;
};

struct KeyHistory {
  bool index = true;  // false: the whole partition was folded for it
  Offset position;    // up to where it tells all
  Digest digest;      // of the record before that
  Postings postings;
  std::optional<TimeMark> mark;  // the last that is marked not after the time that was asked for
};

// From the owner of the partition, by a request. nullopt: no process answers within some seconds,
// or the owner's state has no index.
[[nodiscard]] std::optional<KeyHistory> history_from_owner(PgConnection& postgres,
                                                           const KeyPlace& place,
                                                           std::optional<Time> until);

// From the state below this data folder, of a process that runs or not, as it stands now. nullopt:
// there is none of the generation, or it has no index.
[[nodiscard]] std::optional<KeyHistory> history_from_state(const std::filesystem::path& data,
                                                           const KeyPlace& place,
                                                           std::optional<Time> until);

// Of the rows of a state; of its position nothing.
[[nodiscard]] KeyHistory history_in(const ScanState& scan, const KeyPlace& place,
                                    std::optional<Time> until);

}  // namespace sluice

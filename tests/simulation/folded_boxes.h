#pragma once

// A tally's log as some rules fold it, whole and a key alone.

#include <string>

#include "projectors/engine/fold/key_refold.h"
#include "projectors/engine/fold/key_store.h"
#include "projectors/engine/key_index/key_lookup.h"
#include "tests/simulation/failing_boxes.h"

namespace sluice {

inline std::string rows_in(StateStore& store, const std::string& key) {
  std::string all;
  StoredRows boxes(store, tally::Box::default_instance());
  while (const auto* row = static_cast<const tally::Box*>(boxes.next())) {
    if (row->box_id() == key) all += row->ShortDebugString() + "\n";
  }
  StoredRows members(store, tally::Member::default_instance());
  while (const auto* row = static_cast<const tally::Member*>(members.next())) {
    if (row->box_id() == key) all += row->ShortDebugString() + "\n";
  }
  return all;
}

inline LogRecord record_at(MemoryLog& log, Offset offset) {
  const auto& stored = log.records("tally.events", kOnly)[static_cast<std::size_t>(offset.value)];
  return {kOnly, stored.offset, stored.appended_at, stored.key(), stored.value()};
}

inline Generation generation_of(const Projection& projection) {
  return {.projection = "tally",
          .unique_id = "refold",
          .version = projection.version,
          .partitions = 1,
          .dedupe_horizon = kHorizon,
          .quarantine_retention = kRetention};
}

// The log as some rules fold it, with their index.
class Folded {
 public:
  Folded(const Projection& projection, MemoryLog& log)
      : refold_(projection, generation_of(projection), kOnly,
                {.rows = 1U << 20, .filters = 1U << 20, .key_index = true}, store_) {
    const auto end = static_cast<std::int64_t>(log.records("tally.events", kOnly).size());
    while (refold_.position().value < end) {
      static_cast<void>(refold_.fold(record_at(log, refold_.position())));
    }
    refold_.write_state();
  }

  [[nodiscard]] std::string rows(const std::string& key) { return rows_in(store_, key); }
  [[nodiscard]] Postings postings(const std::string& key) {
    return postings_of([this](auto from, auto to) { return store_.scan(from, to); }, key,
                       refold_.position());
  }

 private:
  MemoryState state_;
  MemoryStateStore store_{state_};
  Refold refold_;
};

// A key alone, by the index that these or other rules have written.
struct Alone {
  Alone(const Projection& projection, MemoryLog& log, const std::string& key,
        const Postings& postings)
      : refold(projection, generation_of(projection), kOnly, key, store) {
    refold.fold(postings, [&](Offset offset) { return record_at(log, offset); });
    rows = rows_in(store, key);
  }
  KeyStore store;
  KeyRefold refold;
  std::string rows;
};

}  // namespace sluice

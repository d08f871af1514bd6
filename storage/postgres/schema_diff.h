#pragma once

// What a program's tables, rules and functions for readers change against the generation that
// readers see, before anything is applied.

#include <cstdint>
#include <string>
#include <vector>

#include "storage/postgres/schema.h"

namespace sluice {

struct SchemaChange {
  // "version", "table_added", "table_dropped", "column_added", "column_dropped", "column_retyped",
  // "key_changed", "index_added", "index_dropped", "index_changed" or "reads_changed".
  std::string kind;
  std::string name;  // "opinion", "opinion.passes", "opinion_order1"; empty: of the domain
  std::string from;  // empty: it was not there
  std::string to;    // empty: it is gone
  // Whether it takes another generation; else `schema apply`, or the next start, changes the live
  // one in place.
  bool needs_generation = false;
};

struct SchemaDifference {
  int generation = 0;  // that readers see
  std::int64_t live_version = 0;
  std::vector<SchemaChange> changes;

  [[nodiscard]] bool needs_generation() const;
};

// What to do about it, for people, with the commands; empty where nothing differs.
[[nodiscard]] std::string next_step(const SchemaDifference& difference,
                                    const PublishedSchema& schema);

// Against what was last applied; of a generation from before that was noted, against the tables as
// they are found, without indexes. Misconfigured: the domain has no live generation.
[[nodiscard]] SchemaDifference schema_difference(const std::string& url,
                                                 const PublishedSchema& schema);

}  // namespace sluice

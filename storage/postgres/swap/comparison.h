#pragma once

// One generation of a domain held against the live one, row by row, at one position.

#include <google/protobuf/descriptor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "storage/equal_snapshot.h"
#include "storage/postgres/swap/generation_pair.h"

namespace sluice {

struct ComparisonOptions {
  // Says which tables are computed and what in them was measured. A table that it does not know is
  // computed where it has a column as_of.
  const google::protobuf::FileDescriptor* tables = nullptr;
  bool emits = false;  // whether the domain's rules emit, as this program has them
  // Differences that are meant: "opinion" (rows that only one side has), "opinion.passes",
  // "opinion.*".
  std::vector<std::string> expected;
  int samples = 20;  // of each table
  // How long computed rows are awaited that are still to be computed.
  std::chrono::milliseconds patience{30000};
  // Ends the comparison with Retryable.
  std::stop_token stop{};
};

struct TableComparison {
  std::string table;
  std::int64_t same = 0;
  std::int64_t added = 0;    // only the other generation has them
  std::int64_t missing = 0;  // only the live one has
  std::int64_t changed = 0;
  // Computed as of different positions in the two, and to be computed again: no difference.
  std::int64_t undecided = 0;
  std::int64_t unexpected = 0;
  std::vector<std::pair<std::string, std::int64_t>> columns;  // changed rows, by what differs
  struct Sample {
    std::string key;  // JSON, all three
    std::string old_row;
    std::string new_row;
  };
  std::vector<Sample> samples;
};

// Of one stream: how many keys have emitted the same to it, and how many otherwise.
struct EmissionComparison {
  std::string stream;
  std::int64_t same = 0;
  std::int64_t otherwise = 0;
};

struct Comparison {
  int generation = 0;
  int against = 0;
  Positions positions;
  std::vector<TableComparison> tables;
  std::vector<std::string> columns_added;    // "opinion.passes"
  std::vector<std::string> columns_dropped;  // the same
  std::int64_t unexpected = 0;
  // What the other's rules would have emitted, sent or not; counts as no difference. nullopt: one
  // of the two keeps no account of it.
  std::optional<std::vector<EmissionComparison>> emitted = std::nullopt;
};

// Readers do not wait; flushes of the live one do, for moments. Refused as "busy" where the other
// does not get to where the live one is within a second, 5 times; as "log" where it was folded from
// another log; as "columns" where a table's key is another. Misconfigured: `expected` names what is
// not there.
[[nodiscard]] std::variant<Comparison, GenerationRefusal> compare(const std::string& url,
                                                                  const GenerationPair& pair,
                                                                  const ComparisonOptions& options);

// By whose steps compare() comes to its snapshot.
[[nodiscard]] std::unique_ptr<ComparisonSession> comparison_session(const std::string& url,
                                                                    const GenerationPair& pair);

}  // namespace sluice

#pragma once

// Generations as people and scripts are told of them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/connection.h"

namespace sluice {

struct ListedGeneration {
  std::string projection;
  std::int64_t number = 0;
  std::int64_t version = 0;
  std::string status;
  std::string phase;
  bool live = false;
  // Summed over its partitions; while one is not loaded, what was folded of it counts. nullopt: it
  // is retired.
  std::optional<std::int64_t> position_sum;
  // As owners of partitions of any generation last told. nullopt: of some partition nobody did.
  std::optional<std::int64_t> end_sum;
  // nullopt: an end is unknown, or was not told for 5 seconds.
  std::optional<std::int64_t> lag;
  // While it is folded in bulk: of the last half minute, as its owners tell, at the share that it
  // has now; until they can, since they took it; later, of the last moments. nullopt: nobody folds
  // it, or it is too early to tell.
  std::optional<double> events_a_second;
  // Until it is where the live one is then, rows copied. nullopt: unknown, as while keys and
  // indexes are made, or where more comes than is folded.
  std::optional<std::int64_t> eta_seconds;
  std::optional<std::int64_t> bytes;  // of its tables with their indexes; nullopt: there are none
  std::optional<double> share;
  struct Owner {
    std::string host;
    std::int64_t pid = 0;
    std::int64_t partitions = 0;  // that it has
  };
  std::vector<Owner> owners;  // processes that have partitions of it now
  std::optional<std::string> made_at;
  std::optional<std::string> promoted_at;
  std::optional<std::string> reason;
  bool promotes_itself = false;
  std::optional<std::string> differences;  // JSON, of the comparison before it promoted itself

  [[nodiscard]] std::string json() const;
};

// All of these projections, in order; of all projections where none is named. Where one is folded
// it takes a second: speed is told by two looks.
[[nodiscard]] std::vector<ListedGeneration> list_generations(
    PgConnection& postgres, const std::vector<std::string>& projections);

// Columns under each other, for a terminal.
[[nodiscard]] std::string table_of(const std::vector<ListedGeneration>& generations);

}  // namespace sluice

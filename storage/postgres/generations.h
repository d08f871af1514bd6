#pragma once

// Generations beside the live one: made here, built by processes that project (PostgresBuilder),
// taken away here.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/generation_refusal.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/schema.h"

namespace sluice {

struct GenerationOptions {
  // How long event ids are remembered; nullopt: as long as by the live generation.
  std::optional<std::chrono::milliseconds> dedupe_horizon = std::nullopt;
  // The part of a core that building takes in a process, above 0 and up to 1. nullopt: 0.5, or what
  // the generation that is there has.
  std::optional<double> share = std::nullopt;
  // Made only where every generation so far is of an older version, and promotes itself when it is
  // ready (see new_version.h).
  bool promotes_itself = false;
};

struct MadeGeneration {
  int number = 0;
  int version = 0;     // of the rules, which another program's may be where it was there before
  std::string status;  // "building" or "ready"
  bool made = false;   // else it was there; 0 and "" where it was not to be made
};

// Gives the domain a further generation: its row in sluice.projection, with partitions and times
// kept by quarantine as the live one has them, and its tables, still without keys and indexes. All
// or nothing. While one is building or ready that one is answered, with `share` where one is given.
// Misconfigured: the domain has no live generation.
[[nodiscard]] MadeGeneration make_generation(const std::string& url, const PublishedSchema& schema,
                                             const GenerationOptions& options);

// Takes a generation's tables and what `sluice` has of it; its row stays, as retired, so that no
// later one gets its number. All or nothing, and harmless where it is retired. Refused as "live";
// as "locked" where a reader or a flush did not end within seconds, or its keys are being made; as
// "needed" where views or functions that are not ours are built on its tables. Misconfigured: there
// is no such generation.
[[nodiscard]] std::optional<GenerationRefusal> retire(const std::string& url,
                                                      std::string_view domain, int generation);

// Retires a generation that a program made by itself and that readers never saw, so that one of
// version `for_version` can be made, where it is abandoned: its version is lower, and nobody who
// has its rules was heard of for kAbandoned. Its reason says so. One that a person asked for stays.
// Does nothing where there is none; refused as retire().
[[nodiscard]] std::optional<GenerationRefusal> give_up_abandoned(const std::string& url,
                                                                 std::string_view domain,
                                                                 int for_version);

// Who projects says so each 2 seconds, and a start takes some.
inline constexpr std::chrono::seconds kAbandoned{10};

// The versions of a projection's rules that processes have which were heard of within kAbandoned.
[[nodiscard]] std::vector<std::int64_t> versions_that_run(PgConnection& connection,
                                                          std::string_view projection);

}  // namespace sluice

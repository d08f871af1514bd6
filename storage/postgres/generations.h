#pragma once

// Generations beside the live one: made here, built by processes that project (PostgresBuilder),
// taken away here.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "storage/generation_refusal.h"
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

}  // namespace sluice

#pragma once

#include <cstdint>
#include <optional>

namespace sluice {

// How a generation stands beside the live one, as far as it tells how long it will take.
struct BuildStand {
  bool bulk = false;   // folded in bulk, or loaded; else it follows the live one
  bool owned = false;  // somebody folds it
  double records_left =
      0;  // to fold: in bulk until they are loaded, else until it is where that is
  double events_a_second = 0;  // as it is folded now, at its share
  double live_a_second = 0;    // that come meanwhile
  double rows_to_load = 0;     // if it has about as many as the live one
  double share = 1;
};

// Seconds until it is where the live one is by then, rows, keys and indexes in place. nullopt:
// nobody can tell, since nobody folds it, or more comes than is folded.
[[nodiscard]] std::optional<std::int64_t> eta_seconds(const BuildStand& stand);

}  // namespace sluice

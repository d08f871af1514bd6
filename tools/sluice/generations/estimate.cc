#include "tools/sluice/generations/estimate.h"

#include <cmath>

namespace sluice {
namespace {

// A second, copied into tables of a building generation by a whole core, keys and indexes included:
// about, since rows are of all sizes.
constexpr double kRowsLoaded = 250'000;

}  // namespace

// What is folded in bulk has to fold what comes meanwhile, too, and to copy its rows. What follows
// never goes beyond the live one: what comes is in its speed.
std::optional<std::int64_t> eta_seconds(const BuildStand& stand) {
  if (!stand.bulk && stand.records_left <= 0) return 0;
  if (stand.bulk && !stand.owned) return std::nullopt;
  const double speed = stand.events_a_second - (stand.bulk ? stand.live_a_second : 0);
  if (stand.records_left > 0 && speed <= 0) return std::nullopt;
  double seconds = stand.records_left > 0 ? stand.records_left / speed : 0;
  if (stand.bulk) seconds += stand.rows_to_load / (kRowsLoaded * stand.share);
  return std::llround(seconds);
}

}  // namespace sluice

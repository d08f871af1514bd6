#pragma once

// From why a partition stands still to a command that goes on from there.

#include <string>

#include "tools/sluice/doctor/place.h"

namespace sluice {

struct StandingStill {
  std::string trouble;  // what is said of it; empty: nobody says why it does not move
  // Of the owner; empty: there is none.
  std::string host;
  std::string pid;
};

// With its values filled in. Troubles are sentences for people, who read them in other places, too;
// those that name a command of ours have it between backticks. What is yet to be decided, or to be
// done first, stands behind a #.
[[nodiscard]] std::string way_out(const StandingStill& still, const Place& place);

}  // namespace sluice

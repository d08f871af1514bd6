#include "storage/embedded/log_clock.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <utility>

namespace sluice::embedded {

LogClock::LogClock(SteadiedClock::Wall wall, SteadiedClock::Steady steady)
    : clock_(std::move(wall), std::move(steady)) {}

Time LogClock::now() {
  const Time now = clock_.now();
  const bool jumped = clock_.jumped().count() != 0;
  if (jump_told_.exchange(jumped) == jumped) return now;
  if (jumped) {
    spdlog::warn("clock jumped advice=\"{}\"", advice());
  } else {
    spdlog::info("clock agrees again");
  }
  return now;
}

std::string LogClock::advice() const {
  const auto jumped = std::chrono::duration_cast<std::chrono::seconds>(clock_.jumped()).count();
  if (jumped == 0) return {};
  return "the machine's clock has jumped " + std::to_string(std::abs(jumped)) + " s " +
         (jumped > 0 ? "ahead" : "back") +
         " and is not followed: set it right, or start sluice again if it is right now";
}

}  // namespace sluice::embedded

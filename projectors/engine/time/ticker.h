#pragma once

// When the owner of a quiet partition moves its record time on: so that a timer fires though nobody
// posts.

#include <chrono>
#include <optional>
#include <string>

#include "storage/base/position.h"

namespace sluice {

// A tick is stamped this much behind its owner's clock, so that it does not overtake facts that
// were stamped before and are still on their way into the log.
constexpr std::chrono::milliseconds kTickGrace{500};

// One an owner of a partition, used by its worker's thread.
class Ticker {
 public:
  // What of the partition decides.
  struct Quiet {
    std::optional<Time> next_due;  // of its timers
    Offset position;               // folded up to here
    bool caught_up = false;        // nothing that can be read lies behind it
    Time wall;                     // the owner's clock
  };

  // The recorded_at of the tick that is to be appended now; nullopt: none is. A timer is due by the
  // owner's clock and what the log has does not fire it. Once for a due time: again only when the
  // tick was folded and the timer has not fired, which a log's clock far behind the owner's brings
  // about, or when the tick does not come, because the log lost it.
  [[nodiscard]] std::optional<Time> due(const Quiet& quiet) const;

  // A tick for it stands in the log at this offset.
  void ticked(const Quiet& quiet, Offset at);

 private:
  static constexpr std::chrono::milliseconds kTickAgain{1000};
  static constexpr std::chrono::milliseconds kTickLost{10'000};

  std::optional<Offset> last_at_;
  Time last_due_;   // the timer's
  Time last_wall_;  // when it was appended
};

// An Envelope with a tick and nothing else.
[[nodiscard]] std::string tick_record(Time recorded_at);

}  // namespace sluice

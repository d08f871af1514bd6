#pragma once

// How fast a process folds a generation now, which an average since its beginning does not tell.

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace sluice {

// One thread.
class FoldPace {
 public:
  using Clock = std::chrono::steady_clock;

  // Long enough that what partitions do by turns, and batches, are evened out.
  static constexpr std::chrono::seconds kWindow{30};
  // Before, a look says little.
  static constexpr std::chrono::seconds kEarly{4};

  // Where each partition of the generation is that the process has (offsets by partition), and the
  // part of a core that folding it may take. Each second or less often. A partition that was not
  // there, or goes back, counts from where it is then.
  void at(Clock::time_point now, const std::map<std::int32_t, std::int64_t>& folded, double share);

  // Over the last window, at the share of the last look; nullopt: it is too early to tell.
  [[nodiscard]] std::optional<double> events_a_second() const;

 private:
  struct Look {
    Clock::time_point at;
    double records = 0;  // folded so far, as if at the share of the last look
  };

  std::deque<Look> looks_;
  std::map<std::int32_t, std::int64_t> folded_;
  double share_ = 1;
};

}  // namespace sluice

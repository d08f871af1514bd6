#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <utility>

namespace sluice {

// By how much a count grew within a time that goes on. One thread.
class RecentGrowth {
 public:
  using Clock = std::chrono::steady_clock;

  explicit RecentGrowth(Clock::duration within) : within_(within) {}

  // The count as it is now; it was 0 before it was first told. Returns by how much it is more than
  // it was. Looks that are more often than each second are no use: what is kept is bounded by that.
  std::uint64_t at(Clock::time_point now, std::uint64_t count) {
    // The last look from before stays: what came after it is within the time.
    while (looks_.size() > 1 && looks_[1].first <= now - within_) looks_.pop_front();
    const bool whole = !looks_.empty() && looks_.front().first <= now - within_;
    const std::uint64_t before = whole ? looks_.front().second : 0;
    if (looks_.empty() || now - looks_.back().first >= std::chrono::seconds{1}) {
      looks_.emplace_back(now, count);
    }
    return count - before;
  }

 private:
  const Clock::duration within_;
  std::deque<std::pair<Clock::time_point, std::uint64_t>> looks_;
};

}  // namespace sluice

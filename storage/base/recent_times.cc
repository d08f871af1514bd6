#include "storage/base/recent_times.h"

#include <algorithm>
#include <vector>

namespace sluice {

void RecentTimes::add(std::chrono::nanoseconds took) {
  const Clock::time_point now = clock_();
  const MutexLock lock(mutex_);
  kept_[added_++ % kKept] = {now, took};
}

RecentTimes::Seen RecentTimes::seen() const {
  const Clock::time_point now = clock_();
  std::vector<std::chrono::nanoseconds> lately;
  {
    const MutexLock lock(mutex_);
    for (std::size_t i = 0; i < std::min(added_, kKept); ++i) {
      if (now - kept_[i].ended <= kLately) lately.push_back(kept_[i].took);
    }
  }
  if (lately.empty()) return {};
  std::ranges::sort(lately);
  return {lately.size(), lately[lately.size() / 2], lately.back()};
}

}  // namespace sluice

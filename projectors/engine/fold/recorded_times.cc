#include "projectors/engine/fold/recorded_times.h"

#include <algorithm>
#include <chrono>

namespace sluice {
namespace {

using std::chrono::milliseconds;

}  // namespace

void RecordedTimes::clear() {
  if (empty_) return;
  empty_ = true;
  shift_ = 0;
  counts_.fill(0);
}

Time RecordedTimes::time_of(std::size_t slot) const {
  const std::int64_t width = std::int64_t{1} << shift_;
  return Time{milliseconds{base_ + static_cast<std::int64_t>(slot) * width + width / 2}};
}

// Room is made on both sides of what is there, so that times which come each a little before the
// other do not each move it.
void RecordedTimes::widen_for(std::int64_t at) {
  constexpr std::int64_t kRoom = kSlots / 4;
  if (empty_) {
    empty_ = false;
    base_ = at - kRoom;
    counts_[static_cast<std::size_t>(kRoom)] = 1;
    return;
  }
  const RecordedTimes before = *this;
  std::int64_t low = at;
  std::int64_t high = at;
  before.for_each([&](Time time, std::uint64_t) {
    low = std::min(low, time.time_since_epoch().count());
    high = std::max(high, time.time_since_epoch().count());
  });
  while (((high - low) >> shift_) >= kSlots - kRoom) ++shift_;
  base_ = low - (kRoom << shift_) / 2;
  counts_.fill(0);
  before.for_each([&](Time time, std::uint64_t times) {
    const std::int64_t slot = (time.time_since_epoch().count() - base_) >> shift_;
    counts_[static_cast<std::size_t>(slot)] += static_cast<std::uint32_t>(times);
  });
  ++counts_[static_cast<std::size_t>((at - base_) >> shift_)];
}

}  // namespace sluice

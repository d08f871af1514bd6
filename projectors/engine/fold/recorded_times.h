#pragma once

// When the facts of a flush were recorded, counted so that their ages can be told once the flush is
// committed. Adding one is an increment, however many there are.

#include <array>
#include <cstddef>
#include <cstdint>

#include "storage/base/position.h"

namespace sluice {

// One thread. Times are kept to the millisecond, or where they lie far apart to a hundredth of the
// span between the first and the last.
class RecordedTimes {
 public:
  void add(Time recorded_at) {
    const std::int64_t at = recorded_at.time_since_epoch().count();
    const std::int64_t slot = (at - base_) >> shift_;
    if (empty_ || slot < 0 || slot >= kSlots) return widen_for(at);
    ++counts_[static_cast<std::size_t>(slot)];
  }

  // Calls visit(Time, times) for each time at which any were recorded, in ascending order.
  template <class Visit>
  void for_each(Visit visit) const {
    if (empty_) return;
    for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
      if (counts_[slot] > 0) visit(time_of(slot), std::uint64_t{counts_[slot]});
    }
  }

  void clear();

 private:
  static constexpr std::int64_t kSlots = 512;

  // The middle of what the slot holds.
  [[nodiscard]] Time time_of(std::size_t slot) const;
  void widen_for(std::int64_t at);

  bool empty_ = true;
  std::int64_t base_ = 0;  // of slot 0, in milliseconds
  int shift_ = 0;          // a slot holds 2^shift_ milliseconds
  std::array<std::uint32_t, kSlots> counts_{};
};

}  // namespace sluice

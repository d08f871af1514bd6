#include "projectors/engine/tables/row_memory.h"

#include <algorithm>

#include "storage/base/check.h"

namespace sluice {
namespace {

// Of a partition's part when all are busy: so much it may hold and not be busy.
constexpr std::size_t kQuietPart = 8;

std::size_t rounded_up(std::size_t dividend, std::size_t divisor) {
  return (dividend + divisor - 1) / divisor;
}

}  // namespace

RowMemory::RowMemory(Parts parts, int partitions)
    : parts_(parts),
      partitions_(static_cast<std::size_t>(partitions)),
      quiet_((parts.changed + parts.at_hand) / (kQuietPart * partitions_)),
      orders_(parts.orders) {
  CHECK(partitions > 0, "somebody holds rows");
  CHECK(parts.orders <= std::min(parts.changed, parts.at_hand), "half of it is taken out of each");
}

std::size_t RowMemory::each(std::size_t part) const {
  const auto busy = static_cast<std::size_t>(std::max(1, busy_.load(std::memory_order_relaxed)));
  // While partitions change hands there may be one more of them for a moment.
  const std::size_t quiet = partitions_ - std::min(busy, partitions_);
  const std::size_t for_quiet = quiet * rounded_up(part, kQuietPart * partitions_);
  const std::size_t for_orders = rounded_up(std::min(orders_.held(), parts_.orders), 2);
  return (part - for_orders - for_quiet) / busy;
}

}  // namespace sluice

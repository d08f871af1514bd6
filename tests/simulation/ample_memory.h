#pragma once

#include "projectors/engine/tables/row_memory.h"

namespace sluice {

// More than one partition of a test ever holds.
inline RowMemory ample_memory() {
  constexpr std::size_t kPart = std::size_t{64} << 20;
  return RowMemory({.changed = kPart, .at_hand = kPart, .orders = kPart / 4}, 1);
}

}  // namespace sluice

#pragma once

// Four vectors side by side, row by row: what block Lanczos does to them. Each loop is compiled for
// two generations of processors and the fitting one is chosen when the program starts; both add in
// the same order, without fused operations, and so give the same bits.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "projectors/deliberation/math/center.h"

namespace sluice::math {

inline constexpr std::size_t kBlock = 4;

struct alignas(32) Four {
  std::array<double, kBlock> of{};
};

// A row an element of the four vectors.
using TallBlock = std::vector<Four>;
// Four times four, by rows.
using SmallBlock = std::array<Four, kBlock>;

// a'b
[[nodiscard]] SmallBlock inner_product(const TallBlock& a, const TallBlock& b);

// into += a m
void add_product(const TallBlock& a, const SmallBlock& m, TallBlock& into);

// to = Z'Z from, in one pass over the rows of Z. Source: the specification, section 12.
void gram_product(const SparseRows& z, const TallBlock& from, TallBlock& to);

}  // namespace sluice::math

#pragma once

// The two principal components of the votes. Source: the specification, section 4.

#include <array>
#include <stop_token>

#include "projectors/deliberation/math/center.h"
#include "projectors/deliberation/math/eigenpairs.h"

namespace sluice::math {

struct Components {
  // Of unit length, the largest loading positive; the zero vector where the votes have no more
  // axes.
  std::array<Per<Opinion, double>, 2> loadings;
  std::array<double, 2> eigenvalues{};
  // |Z'Zv - wv| over the first eigenvalue.
  std::array<double, 2> residuals{};
  // Between the first and the second eigenvalue, the second and the third, over the first. Below
  // kUndefinedGap two axes may be turned into each other, and their loadings mean nothing alone.
  std::array<double, 2> gaps{};
  std::size_t products = 0;  // that the solver took; 0 for the dense one
};

inline constexpr double kUndefinedGap = 1e-9;

// `opinions` is the number of columns of the vote matrix.
[[nodiscard]] Components principal_components(const CenteredVotes& votes, std::size_t opinions,
                                              const std::stop_token& stop = {});

}  // namespace sluice::math

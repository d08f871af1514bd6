#pragma once

// The product of Z'Z with two vectors at once, in one pass over the rows of Z.
// Source: the specification, section 12.

#include <vector>

#include "projectors/deliberation/math/center.h"

namespace sluice::math {

class GramProduct {
 public:
  // Borrowed: `z` must outlive this.
  explicit GramProduct(const SparseRows& z);

  // From two vectors of z.columns into two others.
  void apply(const double* from_1, const double* from_2, double* to_1, double* to_2);

 private:
  const SparseRows& z_;
  // Both vectors, element by element, so that one look at a column serves both.
  std::vector<double> from_;
  std::vector<double> to_;
};

}  // namespace sluice::math

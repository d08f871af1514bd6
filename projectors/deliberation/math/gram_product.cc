#include "projectors/deliberation/math/gram_product.h"

#include <algorithm>

namespace sluice::math {

GramProduct::GramProduct(const SparseRows& z) : z_(z), from_(2 * z.columns), to_(2 * z.columns) {}

void GramProduct::apply(const double* from_1, const double* from_2, double* to_1, double* to_2) {
  for (std::size_t c = 0; c < z_.columns; ++c) {
    from_[2 * c] = from_1[c];
    from_[2 * c + 1] = from_2[c];
  }
  std::ranges::fill(to_, 0.0);
  for (std::size_t row = 0; row < z_.rows(); ++row) {
    const auto columns = z_.columns_of(row);
    const auto values = z_.values_of(row);
    double along_1 = 0;
    double along_2 = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const double* at = &from_[2 * std::size_t{columns[i]}];
      along_1 += values[i] * at[0];
      along_2 += values[i] * at[1];
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      double* at = &to_[2 * std::size_t{columns[i]}];
      at[0] += values[i] * along_1;
      at[1] += values[i] * along_2;
    }
  }
  for (std::size_t c = 0; c < z_.columns; ++c) {
    to_1[c] = to_[2 * c];
    to_2[c] = to_[2 * c + 1];
  }
}

}  // namespace sluice::math

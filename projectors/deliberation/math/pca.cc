#include "projectors/deliberation/math/pca.h"

#include <algorithm>
#include <cmath>

#include "projectors/deliberation/math/tall_block.h"

namespace sluice::math {
namespace {

// An eigenvalue that is no more than this, relative to the first (the first itself: absolutely),
// is rounding.
constexpr double kNoAxis = 1e-12;
// Magnitudes within this of the largest tie.
constexpr double kTie = 1e-9;

using Vectors = std::array<std::vector<double>, 2>;

double length_of(const std::vector<double>& vector) {
  double sum = 0;
  for (const double x : vector) sum += x * x;
  return std::sqrt(sum);
}

// Largest loading positive; of those that tie, the first.
void fix_sign(std::vector<double>& loadings) {
  double largest = 0;
  for (const double x : loadings) largest = std::max(largest, std::abs(x));
  const auto first =
      std::ranges::find_if(loadings, [&](double x) { return std::abs(x) >= largest * (1 - kTie); });
  if (first == loadings.end() || *first >= 0) return;
  for (double& x : loadings) x = -x;
}

// Z' of each vector, of unit length: eigenvectors of ZZ' become those of Z'Z.
void to_other_side(const SparseRows& z_transposed, Vectors& vectors) {
  for (auto& vector : vectors) {
    std::vector<double> made(z_transposed.rows());
    for (std::size_t row = 0; row < z_transposed.rows(); ++row) {
      const auto columns = z_transposed.columns_of(row);
      const auto values = z_transposed.values_of(row);
      for (std::size_t i = 0; i < columns.size(); ++i) made[row] += values[i] * vector[columns[i]];
    }
    const double length = length_of(made);
    if (length > 0) {
      for (double& x : made) x /= length;
    }
    vector = std::move(made);
  }
}

Eigenpairs solve(const SparseRows& z, const std::stop_token& stop) {
  return z.columns <= kLargestDense ? dense_eigenpairs(z) : lanczos_eigenpairs(z, stop);
}

// From the side with fewer things.
Eigenpairs solve_smaller_side(const SparseRows& z, const std::stop_token& stop) {
  if (z.columns <= z.rows()) return solve(z, stop);
  const SparseRows other = transposed(z);
  Eigenpairs found = solve(other, stop);
  to_other_side(other, found.vectors);
  return found;
}

void measure_residuals(const SparseRows& z, const Vectors& vectors, Components& into) {
  TallBlock block(z.columns);
  for (std::size_t c = 0; c < z.columns; ++c) block[c].of = {vectors[0][c], vectors[1][c], 0, 0};
  TallBlock products;
  gram_product(z, block, products);
  for (std::size_t k = 0; k < 2; ++k) {
    if (into.eigenvalues[k] == 0) continue;
    double sum = 0;
    for (std::size_t c = 0; c < z.columns; ++c) {
      const double rest = products[c].of[k] - into.eigenvalues[k] * vectors[k][c];
      sum += rest * rest;
    }
    into.residuals[k] = std::sqrt(sum) / into.eigenvalues[0];
  }
}

}  // namespace

Components principal_components(const CenteredVotes& votes, std::size_t opinions,
                                const std::stop_token& stop) {
  Components made;
  for (auto& loadings : made.loadings) loadings = Per<Opinion, double>(opinions);
  // One participant or one opinion has no plane to be drawn in.
  if (votes.rows.rows() < 2 || opinions < 2 || votes.opinions.empty()) return made;

  Eigenpairs found = solve_smaller_side(votes.rows, stop);
  made.products = found.products;
  if (found.values[0] <= kNoAxis) return made;
  const double first = found.values[0];
  for (std::size_t k = 0; k < 2; ++k) {
    if (found.values[k] <= kNoAxis * first) {
      std::ranges::fill(found.vectors[k], 0.0);
      continue;
    }
    made.eigenvalues[k] = found.values[k];
    fix_sign(found.vectors[k]);
    for (std::size_t c = 0; c < votes.opinions.size(); ++c) {
      made.loadings[k][votes.opinions[c]] = found.vectors[k][c];
    }
  }
  made.gaps = {(first - made.eigenvalues[1]) / first,
               std::max(0.0, made.eigenvalues[1] - found.third_value) / first};
  measure_residuals(votes.rows, found.vectors, made);
  return made;
}

}  // namespace sluice::math

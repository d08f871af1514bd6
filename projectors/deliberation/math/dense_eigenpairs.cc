#include <Eigen/Eigenvalues>

#include "projectors/deliberation/math/eigenpairs.h"

namespace sluice::math {
namespace {

// Of a row with itself; the lower triangle.
void add_outer_product(std::span<const std::uint32_t> columns, std::span<const double> values,
                       Eigen::MatrixXd& sum) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    for (std::size_t j = i; j < columns.size(); ++j) {
      sum(columns[j], columns[i]) += values[i] * values[j];
    }
  }
}

Eigen::MatrixXd gram_matrix(const SparseRows& z) {
  const auto size = static_cast<Eigen::Index>(z.columns);
  Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(size, size);
  for (std::size_t row = 0; row < z.rows(); ++row) {
    add_outer_product(z.columns_of(row), z.values_of(row), gram);
  }
  return gram;
}

}  // namespace

Eigenpairs dense_eigenpairs(const SparseRows& z) {
  Eigenpairs found;
  for (auto& vector : found.vectors) vector.assign(z.columns, 0.0);
  if (z.columns == 0) return found;
  // Reads the lower triangle only.
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram_matrix(z));
  const auto size = static_cast<Eigen::Index>(z.columns);
  for (Eigen::Index k = 0; k < 2 && k < size; ++k) {
    const auto at = static_cast<std::size_t>(k);
    found.values[at] = solver.eigenvalues()(size - 1 - k);
    Eigen::VectorXd::Map(found.vectors[at].data(), size) = solver.eigenvectors().col(size - 1 - k);
  }
  if (size > 2) found.third_value = solver.eigenvalues()(size - 3);
  return found;
}

}  // namespace sluice::math

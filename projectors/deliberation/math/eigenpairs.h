#pragma once

// The two largest eigenpairs of Z'Z for a sparse Z, exactly: the residual |Z'Zv - wv| is at most
// kResidual times the largest eigenvalue. Neither Z nor, but for small ones, Z'Z is ever dense.
// Methods: a dense symmetric eigensolver on the Gram matrix; block Lanczos with full
// re-orthogonalisation and thick restarts (Golub and Van Loan, Matrix Computations, 10.3; Wu and
// Simon 2000). Sums run in an order that depends on Z alone, so equal Z give equal bits.

#include <array>
#include <cstddef>
#include <stop_token>
#include <vector>

#include "projectors/deliberation/math/center.h"

namespace sluice::math {

inline constexpr double kResidual = 1e-13;
// Up to this many columns the Gram matrix is solved directly.
inline constexpr std::size_t kLargestDense = 52;

struct Eigenpairs {
  // Descending; 0 where the matrix has no more.
  std::array<double, 2> values{};
  // Of unit length; the zero vector where the value is 0.
  std::array<std::vector<double>, 2> vectors;
  double third_value = 0;    // an estimate from below, for telling how well apart they are
  std::size_t products = 0;  // with Z'Z, of four vectors each
};

// By the dense solver. For matrices of few columns, and for tests.
[[nodiscard]] Eigenpairs dense_eigenpairs(const SparseRows& z);

// By block Lanczos. For matrices of more than kLargestDense columns. Ends early, with whatever it
// has, when stopped.
[[nodiscard]] Eigenpairs lanczos_eigenpairs(const SparseRows& z, const std::stop_token& stop = {});

}  // namespace sluice::math

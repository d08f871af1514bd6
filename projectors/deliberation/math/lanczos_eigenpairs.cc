#include <Eigen/Eigenvalues>
#include <cmath>
#include <cstdint>

#include "projectors/deliberation/math/eigenpairs.h"
#include "projectors/deliberation/math/gram_product.h"
#include "storage/check.h"

namespace sluice::math {
namespace {

using Eigen::Index;
using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

// Two, so that an eigenvalue that is there twice is found twice.
constexpr Index kBlock = 2;
constexpr Index kMostBasis = 40;
constexpr Index kKept = 12;
// Between looks at whether it has converged.
constexpr Index kStride = 8;
constexpr std::size_t kMostProducts = 5'000;
// Of the estimate, which leaves room for what rounding adds.
constexpr double kGoal = 1e-14;
constexpr double kNothing = 1e-14;
constexpr double kLittle = 1e-3;
static_assert(kMostBasis + kBlock <= static_cast<Index>(kLargestDense), "a basis is independent");

// splitmix64: the same start on every machine.
class Noise {
 public:
  double next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return static_cast<double>(z >> 11) * 0x1p-52 - 1.0;
  }

 private:
  std::uint64_t state_ = 0;
};

// An orthonormal basis that grows by a block a step, and the matrix seen through it.
class Lanczos {
 public:
  Lanczos(const SparseRows& z)
      : product_(z),
        basis_(static_cast<Index>(z.columns), kMostBasis + kBlock),
        projected_(Matrix::Zero(kMostBasis, kMostBasis)) {
    for (Index k = 0; k < kBlock; ++k) fill_with_noise(k);
  }

  // One product.
  void step() {
    const Index next = size_ + kBlock;
    product_.apply(basis_.col(size_).data(), basis_.col(size_ + 1).data(), basis_.col(next).data(),
                   basis_.col(next + 1).data());
    ++products_;
    // What the product has along the last blocks is most of it: without it, the second pass is
    // exact. Right after a restart it has something along every vector.
    const Index from = size_ == restarted_at_ ? 0 : size_ - kBlock;
    size_ = next;
    project(from, true);
    project(0, false);
    coupling_.setZero();
    for (Index k = 0; k < kBlock; ++k) normalize(k);
  }

  [[nodiscard]] bool full() const { return size_ == kMostBasis; }
  [[nodiscard]] bool invariant() const { return coupling_.isZero(0); }

  // Looks at the matrix through the basis.
  void solve() {
    solver_.compute(projected_.topLeftCorner(size_, size_));
    CHECK(solver_.info() == Eigen::Success, "a small symmetric matrix has eigenvalues");
  }

  // Of the k-th largest, from 0.
  [[nodiscard]] double value(Index k) const { return solver_.eigenvalues()(size_ - 1 - k); }
  [[nodiscard]] double residual(Index k) const {
    const auto last = solver_.eigenvectors().col(size_ - 1 - k).tail<kBlock>();
    return (coupling_ * last).norm();
  }
  void write_vector(Index k, std::vector<double>& into) const {
    Vector made = Vector::Zero(basis_.rows());
    for (Index j = 0; j < size_; ++j) {
      made += basis_.col(j) * solver_.eigenvectors()(j, size_ - 1 - k);
    }
    made /= made.norm();
    into.assign(made.begin(), made.end());
  }

  // Begins again from the best that was found.
  void restart() {
    Matrix kept = Matrix::Zero(basis_.rows(), kKept);
    for (Index k = 0; k < kKept; ++k) {
      for (Index j = 0; j < size_; ++j) {
        kept.col(k) += basis_.col(j) * solver_.eigenvectors()(j, size_ - 1 - k);
      }
    }
    const Matrix next = basis_.middleCols(size_, kBlock);
    basis_.leftCols(kKept) = kept;
    basis_.middleCols(kKept, kBlock) = next;
    projected_.setZero();
    for (Index k = 0; k < kKept; ++k) projected_(k, k) = value(k);
    size_ = restarted_at_ = kKept;
  }

  [[nodiscard]] std::size_t products() const { return products_; }

 private:
  // Takes out of the new block what it has along the basis from `from` on.
  void project(Index from, bool first) {
    for (Index k = 0; k < kBlock; ++k) {
      auto fresh = basis_.col(size_ + k);
      const Index count = size_ - from;
      Eigen::Matrix<double, Eigen::Dynamic, 1, 0, kMostBasis, 1> along(count);
      for (Index j = 0; j < count; ++j) along(j) = basis_.col(from + j).dot(fresh);
      for (Index j = 0; j < count; ++j) fresh -= basis_.col(from + j) * along(j);
      const Index column = size_ - kBlock + k;
      for (Index j = 0; j < count && first; ++j) {
        projected_(from + j, column) = projected_(column, from + j) = along(j);
      }
    }
  }

  // Of the new block: makes its k-th vector one of unit length, orthogonal to those before it.
  void normalize(Index k) {
    auto fresh = basis_.col(size_ + k);
    for (Index j = 0; j < k; ++j) {
      coupling_(j, k) = basis_.col(size_ + j).dot(fresh);
      fresh -= basis_.col(size_ + j) * coupling_(j, k);
    }
    const double length = fresh.norm();
    const double scale = projected_.diagonal().cwiseAbs().maxCoeff();
    if (length > kNothing * scale) {
      fresh /= length;
      // Where little is left, rounding is much of it, and has something along the basis.
      const Index from = length < kLittle * scale ? 0 : size_;
      for (Index j = from; j < size_ + k; ++j) {
        fresh -= basis_.col(j) * basis_.col(j).dot(fresh);
      }
      const double rest = fresh.norm();
      if (rest > 0.5) {
        fresh /= rest;
        coupling_(k, k) = length;
        return;
      }
    }
    // The basis cannot grow in this direction.
    fill_with_noise(size_ + k);
  }

  void fill_with_noise(Index column) {
    auto fresh = basis_.col(column);
    for (double& x : fresh) x = noise_.next();
    for (int pass = 0; pass < 2; ++pass) {
      for (Index j = 0; j < column; ++j) fresh -= basis_.col(j) * basis_.col(j).dot(fresh);
      fresh /= fresh.norm();
    }
  }

  GramProduct product_;
  Noise noise_;
  // The first size_ columns are the basis, the next kBlock the block that continues it.
  Matrix basis_;
  Matrix projected_;
  Eigen::Matrix<double, kBlock, kBlock> coupling_ = Eigen::Matrix<double, kBlock, kBlock>::Zero();
  Eigen::SelfAdjointEigenSolver<Matrix> solver_;
  Index size_ = 0;
  Index restarted_at_ = 0;
  std::size_t products_ = 0;
};

}  // namespace

Eigenpairs lanczos_eigenpairs(const SparseRows& z, const std::stop_token& stop) {
  CHECK(z.columns > kLargestDense, "few columns are solved directly");
  Lanczos lanczos(z);
  Index steps = 0;
  for (;;) {
    lanczos.step();
    ++steps;
    const bool last = lanczos.products() == kMostProducts || stop.stop_requested();
    if (!last && !lanczos.full() && !lanczos.invariant() && steps * kBlock % kStride != 0) continue;
    lanczos.solve();
    const double goal = kGoal * lanczos.value(0);
    if (last || (lanczos.residual(0) <= goal && lanczos.residual(1) <= goal)) break;
    if (lanczos.full()) lanczos.restart();
  }
  Eigenpairs found;
  for (std::size_t k = 0; k < 2; ++k) {
    found.values[k] = lanczos.value(static_cast<Index>(k));
    lanczos.write_vector(static_cast<Index>(k), found.vectors[k]);
  }
  found.third_value = steps * kBlock > 2 ? lanczos.value(2) : 0;
  found.products = lanczos.products();
  return found;
}

}  // namespace sluice::math

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "projectors/deliberation/math/eigenpairs.h"
#include "projectors/deliberation/math/tall_block.h"
#include "storage/base/check.h"

namespace sluice::math {
namespace {

// Blocks of four, so that eigenvalues that are there several times are found as often.
constexpr std::size_t kMostBlocks = 12;
constexpr std::size_t kKeptBlocks = 4;
// Products before the first look at whether it has converged.
constexpr std::size_t kFirstLook = 8;
constexpr std::size_t kMostProducts = 5'000;
// Of the estimate, which leaves room for what rounding adds.
constexpr double kGoal = 4e-14;
constexpr double kNothing = 1e-14;
constexpr double kLittle = 1e-3;
static_assert(kBlock * (kMostBlocks + 1) <= kLargestDense, "a basis is independent");

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

SmallBlock negated(SmallBlock m) {
  for (Four& row : m) {
    for (double& x : row.of) x = -x;
  }
  return m;
}

double length_of(const TallBlock& block, std::size_t column) {
  double sum = 0;
  for (const Four& row : block) sum += row.of[column] * row.of[column];
  return std::sqrt(sum);
}

void scale(TallBlock& block, std::size_t column, double by) {
  for (Four& row : block) row.of[column] *= by;
}

// Takes out of a column what it has along a column of unit length, and returns how much that was.
double remove(const TallBlock& unit, std::size_t unit_column, TallBlock& block,
              std::size_t column) {
  double along = 0;
  for (std::size_t i = 0; i < block.size(); ++i)
    along += unit[i].of[unit_column] * block[i].of[column];
  for (std::size_t i = 0; i < block.size(); ++i)
    block[i].of[column] -= along * unit[i].of[unit_column];
  return along;
}

// Upper triangular R with R'R = m and its inverse; nothing where a pivot is not above `least`.
struct Triangle {
  SmallBlock r, inverse;
};
std::optional<Triangle> cholesky(const SmallBlock& m, double least) {
  Triangle made;
  for (std::size_t k = 0; k < kBlock; ++k) {
    for (std::size_t c = k; c < kBlock; ++c) {
      double rest = m[k].of[c];
      for (std::size_t i = 0; i < k; ++i) rest -= made.r[i].of[k] * made.r[i].of[c];
      if (c == k && !(rest > least * least)) return std::nullopt;
      made.r[k].of[c] = c == k ? std::sqrt(rest) : rest / made.r[k].of[k];
    }
  }
  for (std::size_t c = 0; c < kBlock; ++c) {
    for (std::size_t k = c + 1; k-- > 0;) {
      double rest = k == c ? 1 : 0;
      for (std::size_t i = k + 1; i <= c; ++i) rest -= made.r[k].of[i] * made.inverse[i].of[c];
      made.inverse[k].of[c] = rest / made.r[k].of[k];
    }
  }
  return made;
}

// An orthonormal basis that grows by a block a step, and the matrix seen through it.
class Lanczos {
 public:
  explicit Lanczos(const SparseRows& z) : z_(z), basis_(kMostBlocks + 1, TallBlock(z.columns)) {
    for (std::size_t k = 0; k < kBlock; ++k) fill_with_noise(k);
  }

  // One product.
  void step() {
    gram_product(z_, basis_[blocks_], basis_[blocks_ + 1]);
    ++products_;
    ++blocks_;
    // What the product has along the last blocks is most of it: without it, the second pass is
    // exact. Right after a restart it has something along every block.
    project(just_restarted_ || blocks_ < 2 ? 0 : blocks_ - 2, true);
    project(0, false);
    just_restarted_ = false;
    normalize();
  }

  // Of the basis; the block that continues it does not count.
  [[nodiscard]] std::size_t blocks() const { return blocks_; }
  [[nodiscard]] bool full() const { return blocks_ == kMostBlocks; }
  // Whether the matrix leads nowhere else.
  [[nodiscard]] bool invariant() const { return coupling_.isZero(0); }
  [[nodiscard]] std::size_t products() const { return products_; }

  // Looks at the matrix through the basis.
  void solve() {
    const auto size = static_cast<Eigen::Index>(kBlock * blocks_);
    solver_.compute(projected_.topLeftCorner(size, size));
    CHECK(solver_.info() == Eigen::Success, "a small symmetric matrix has eigenvalues");
  }

  // Of the k-th largest, from 0.
  [[nodiscard]] double value(std::size_t k) const { return solver_.eigenvalues()(at(k)); }
  // Relative to the largest value; of the first two the larger.
  [[nodiscard]] double residual() const {
    const auto along = [&](std::size_t k) {
      return (coupling_ * solver_.eigenvectors().col(at(k)).tail<kBlock>()).norm();
    };
    return value(0) > 0 ? std::max(along(0), along(1)) / value(0) : 0;
  }
  // The k-th four eigenvectors, from 0.
  [[nodiscard]] TallBlock vectors(std::size_t k) const {
    TallBlock made(z_.columns);
    for (std::size_t b = 0; b < blocks_; ++b) {
      SmallBlock part;
      for (std::size_t i = 0; i < kBlock * kBlock; ++i) {
        const auto row = static_cast<Eigen::Index>(kBlock * b + i / kBlock);
        part[i / kBlock].of[i % kBlock] = solver_.eigenvectors()(row, at(kBlock * k + i % kBlock));
      }
      add_product(basis_[b], part, made);
    }
    return made;
  }

  // Begins again from the best that was found.
  void restart() {
    std::vector<TallBlock> kept;
    for (std::size_t k = 0; k < kKeptBlocks; ++k) kept.push_back(vectors(k));
    std::swap(basis_[kKeptBlocks], basis_[blocks_]);
    std::ranges::move(kept, basis_.begin());
    projected_.setZero();
    for (std::size_t k = 0; k < kKeptBlocks * kBlock; ++k) {
      const auto i = static_cast<Eigen::Index>(k);
      projected_(i, i) = value(k);
    }
    blocks_ = kKeptBlocks;
    just_restarted_ = true;
  }

 private:
  static constexpr Eigen::Index kMost = kBlock * kMostBlocks;

  [[nodiscard]] Eigen::Index at(std::size_t k) const {
    return solver_.eigenvalues().size() - 1 - static_cast<Eigen::Index>(k);
  }
  [[nodiscard]] TallBlock& fresh() { return basis_[blocks_]; }

  // Takes out of the new block what it has along the basis from block `from` on.
  void project(std::size_t from, bool first) {
    for (std::size_t b = from; b < blocks_; ++b) {
      const SmallBlock along = inner_product(basis_[b], fresh());
      add_product(basis_[b], negated(along), fresh());
      for (std::size_t i = 0; i < kBlock * kBlock && first; ++i) {
        const auto row = static_cast<Eigen::Index>(kBlock * b + i / kBlock);
        const auto column = static_cast<Eigen::Index>(kBlock * (blocks_ - 1) + i % kBlock);
        projected_(row, column) = projected_(column, row) = along[i / kBlock].of[i % kBlock];
      }
    }
  }

  // Makes the new block orthonormal: at once where its vectors are well apart, and twice, since
  // once leaves what rounding does to vectors that are less so.
  void normalize() {
    const double largest = projected_.diagonal().cwiseAbs().maxCoeff();
    const auto first = cholesky(inner_product(fresh(), fresh()), kLittle * largest);
    if (!first) {
      for (std::size_t k = 0; k < kBlock; ++k) normalize(k, largest);
      return;
    }
    TallBlock once(z_.columns);
    add_product(fresh(), first->inverse, once);
    const auto second = cholesky(inner_product(once, once), 0.5);
    CHECK(second.has_value(), "vectors of unit length that are well apart stay so");
    std::ranges::fill(fresh(), Four{});
    add_product(once, second->inverse, fresh());
    coupling_ = matrix(second->r) * matrix(first->r);
  }

  static Eigen::Matrix<double, kBlock, kBlock> matrix(const SmallBlock& m) {
    Eigen::Matrix<double, kBlock, kBlock> made;
    for (std::size_t i = 0; i < kBlock * kBlock; ++i) {
      made(static_cast<Eigen::Index>(i / kBlock), static_cast<Eigen::Index>(i % kBlock)) =
          m[i / kBlock].of[i % kBlock];
    }
    return made;
  }

  // Of the new block: makes its k-th vector one of unit length, orthogonal to those before it.
  void normalize(std::size_t k, double largest) {
    const auto column = static_cast<Eigen::Index>(k);
    coupling_.col(column).setZero();
    for (std::size_t j = 0; j < k; ++j) {
      coupling_(static_cast<Eigen::Index>(j), column) = remove(fresh(), j, fresh(), k);
    }
    const double length = length_of(fresh(), k);
    if (length > kNothing * largest) {
      scale(fresh(), k, 1 / length);
      // Where little is left, rounding is much of it, and has something along the basis.
      remove_basis(k);
      const double rest = length_of(fresh(), k);
      if (rest > 0.5) {
        scale(fresh(), k, 1 / rest);
        coupling_(column, column) = length;
        return;
      }
    }
    // The basis cannot grow in this direction.
    fill_with_noise(k);
  }

  void fill_with_noise(std::size_t k) {
    for (Four& row : fresh()) row.of[k] = noise_.next();
    for (int pass = 0; pass < 2; ++pass) {
      remove_basis(k);
      scale(fresh(), k, 1 / length_of(fresh(), k));
    }
  }

  // From the k-th vector of the new block, and what it has along those before it in the block.
  void remove_basis(std::size_t k) {
    for (std::size_t b = 0; b < blocks_; ++b) {
      for (std::size_t j = 0; j < kBlock; ++j) remove(basis_[b], j, fresh(), k);
    }
    for (std::size_t j = 0; j < k; ++j) remove(fresh(), j, fresh(), k);
  }

  const SparseRows& z_;
  Noise noise_;
  // blocks_ of them are the basis, the next one continues it.
  std::vector<TallBlock> basis_;
  std::size_t blocks_ = 0;
  Eigen::MatrixXd projected_ = Eigen::MatrixXd::Zero(kMost, kMost);
  Eigen::Matrix<double, kBlock, kBlock> coupling_ = Eigen::Matrix<double, kBlock, kBlock>::Zero();
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver_;
  bool just_restarted_ = false;
  std::size_t products_ = 0;
};

// When to look next. A look costs as much as some products, and how fast the residual falls hardly
// changes.
class Looks {
 public:
  // In whole powers of two, since a logarithm's last bit depends on the processor.
  void looked(std::size_t products, double residual) {
    const int size = std::ilogb(std::max(residual, 1e-300));
    const auto fell = static_cast<std::size_t>(std::max(1, last_size_ - size));
    const auto missing = static_cast<std::size_t>(std::max(1, size - std::ilogb(kGoal)));
    const std::size_t wait = last_products_ == 0 ? 2 : missing * (products - last_products_) / fell;
    next_ = products + std::clamp<std::size_t>(wait, 1, kMostBlocks);
    last_size_ = size;
    last_products_ = products;
  }
  [[nodiscard]] bool due(std::size_t products) const { return products >= next_; }

 private:
  std::size_t next_ = kFirstLook;
  std::size_t last_products_ = 0;
  int last_size_ = 0;
};

}  // namespace

Eigenpairs lanczos_eigenpairs(const SparseRows& z, const std::stop_token& stop) {
  CHECK(z.columns > kLargestDense, "few columns are solved directly");
  Lanczos lanczos(z);
  Looks looks;
  for (;;) {
    lanczos.step();
    const bool last = lanczos.products() == kMostProducts || stop.stop_requested();
    const bool must = last || lanczos.full() || lanczos.invariant();
    if (!must && !looks.due(lanczos.products())) continue;
    lanczos.solve();
    if (last || lanczos.residual() <= kGoal) break;
    looks.looked(lanczos.products(), lanczos.residual());
    if (lanczos.full()) lanczos.restart();
  }
  Eigenpairs found;
  const TallBlock vectors = lanczos.vectors(0);
  for (std::size_t k = 0; k < 2; ++k) {
    found.values[k] = lanczos.value(k);
    const double length = length_of(vectors, k);
    for (const Four& row : vectors) found.vectors[k].push_back(row.of[k] / length);
  }
  found.third_value = lanczos.value(2);
  found.products = lanczos.products();
  return found;
}

}  // namespace sluice::math

#include "projectors/deliberation/math/eigenpairs.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <cmath>

#include "projectors/deliberation/math/pca.h"
#include "tests/support/math_votes.h"
#include "tests/support/naive_math.h"

using namespace sluice;
using namespace sluice::math;
namespace naive = sluice::testing::naive;

namespace {

SparseRows sparse(const naive::Dense& rows, std::size_t columns) {
  SparseRows made;
  made.columns = columns;
  for (const auto& row : rows) {
    for (std::uint32_t c = 0; c < columns; ++c) {
      if (row[c] == 0) continue;
      made.column.push_back(c);
      made.value.push_back(row[c]);
    }
    made.row_begin.push_back(made.column.size());
  }
  return made;
}

naive::Dense noise(std::size_t rows, std::size_t columns, double density, testing::Chance& chance) {
  naive::Dense made(rows, naive::Row(columns, 0.0));
  for (auto& row : made) {
    for (double& x : row) {
      if (chance.happens(density)) x = 2 * chance.real() - 1;
    }
  }
  return made;
}

double dot(const naive::Row& a, const naive::Row& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The largest |Gv - wv| over the first eigenvalue, and how far from orthonormal the vectors are.
double worst(const naive::Dense& gram, const Eigenpairs& found) {
  double error = 0;
  for (std::size_t k = 0; k < 2; ++k) {
    const naive::Row& v = found.vectors[k];
    naive::Row r = naive::times(gram, v);
    for (std::size_t i = 0; i < r.size(); ++i) r[i] -= found.values[k] * v[i];
    if (found.values[0] > 0) error = std::max(error, std::sqrt(dot(r, r)) / found.values[0]);
    error = std::max(error, std::abs(dot(v, v) - 1));
  }
  return std::max(error, std::abs(dot(found.vectors[0], found.vectors[1])));
}

// Both values and, by their residuals, both vectors.
void require_equal(const naive::Dense& z, std::size_t columns, const Eigenpairs& found) {
  const naive::Dense gram = naive::gram(z, columns);
  const naive::Eigen expected = naive::jacobi(gram);
  CHECK(worst(gram, found) <= kResidual);
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(found.values[k] ==
          Approx(expected.values[k]).epsilon(1e-12).margin(1e-13 * expected.values[0]));
  }
  CHECK(found.third_value <= expected.values[2] * (1 + 1e-12) + 1e-13 * expected.values[0]);
}

// Columns in `copies` sets that nobody shares: every eigenvalue is there that often.
naive::Dense repeated(const naive::Dense& z, std::size_t columns, std::size_t copies) {
  naive::Dense made;
  for (std::size_t copy = 0; copy < copies; ++copy) {
    for (const auto& row : z) {
      naive::Row wide(columns * copies, 0.0);
      std::ranges::copy(row, wide.begin() + static_cast<std::ptrdiff_t>(copy * columns));
      made.push_back(wide);
    }
  }
  return made;
}

}  // namespace

TEST_CASE("the dense solver finds what Jacobi rotations find") {
  testing::Chance chance(1);
  for (const std::size_t columns : {3, 4, 7, 20, 52}) {
    const auto z = noise(30, columns, 0.5, chance);
    require_equal(z, columns, dense_eigenpairs(sparse(z, columns)));
  }
}

TEST_CASE("block Lanczos finds what Jacobi rotations find") {
  testing::Chance chance(2);
  for (const std::size_t columns : {53, 60, 90, 130}) {
    for (const double density : {0.05, 0.5, 1.0}) {
      const auto z = noise(150, columns, density, chance);
      require_equal(z, columns, lanczos_eigenpairs(sparse(z, columns)));
    }
  }
}

TEST_CASE("eigenvalues that are there twice or thrice are found as often") {
  testing::Chance chance(3);
  for (const std::size_t copies : {2, 3}) {
    const auto z = repeated(noise(40, 30, 0.6, chance), 30, copies);
    const auto found = lanczos_eigenpairs(sparse(z, 30 * copies));
    require_equal(z, 30 * copies, found);
    CHECK(found.values[0] == Approx(found.values[1]).epsilon(1e-12));
  }
}

TEST_CASE("all eigenvalues equal: any two axes will do, and it ends at once") {
  naive::Dense z(80, naive::Row(80, 0.0));
  for (std::size_t i = 0; i < 80; ++i) z[i][i] = 1.5;
  const auto found = lanczos_eigenpairs(sparse(z, 80));
  require_equal(z, 80, found);
  CHECK(found.products < 10);
}

TEST_CASE("a matrix of rank one has one eigenpair, and a second of nothing") {
  testing::Chance chance(4);
  naive::Row direction(70);
  for (double& x : direction) x = chance.real() - 0.5;
  naive::Dense z;
  for (int i = 0; i < 90; ++i) {
    z.push_back(direction);
    const double size = chance.real() - 0.5;
    for (double& x : z.back()) x *= size;
  }
  const auto found = lanczos_eigenpairs(sparse(z, 70));
  require_equal(z, 70, found);
  CHECK(std::abs(found.values[1]) < 1e-13 * found.values[0]);
}

TEST_CASE("axes that are hardly apart are still found to the last digits") {
  testing::Chance chance(5);
  for (const double gap : {1e-3, 1e-6, 1e-9, 1e-12}) {
    // A diagonal of chance: 100 eigenvalues, the first four within `gap`.
    naive::Dense z(100, naive::Row(100, 0.0));
    for (std::size_t i = 0; i < 100; ++i) {
      const double value = i < 4 ? 1 - gap * static_cast<double>(i) : 0.9 * chance.real();
      z[i][(i * 37 + 11) % 100] = std::sqrt(value);
    }
    const auto found = lanczos_eigenpairs(sparse(z, 100));
    CHECK(worst(naive::gram(z, 100), found) <= kResidual);
    CHECK(found.products < 500);
  }
}

TEST_CASE("a spectrum without a gap is solved within the bound") {
  testing::Chance chance(6);
  const auto z = noise(260, 260, 1.0, chance);
  const auto found = lanczos_eigenpairs(sparse(z, 260));
  CHECK(worst(naive::gram(z, 260), found) <= kResidual);
  CHECK(found.products < 1000);
}

TEST_CASE("values of any size are solved alike") {
  testing::Chance chance(7);
  auto z = noise(120, 60, 0.4, chance);
  for (auto& row : z) {
    for (double& x : row) x *= 1e-5;
  }
  require_equal(z, 60, lanczos_eigenpairs(sparse(z, 60)));
}

TEST_CASE("where the basis ends in rounding, rounding is not taken for an axis") {
  testing::Chance chance(10);
  // Two ballots, and one vote that is like neither: rank three, with a small third axis.
  for (int repeat = 0; repeat < 50; ++repeat) {
    naive::Dense z(60, naive::Row(53, 0.5));
    for (std::size_t p = 0; p < z.size(); p += 2) {
      for (std::size_t o = 0; o < 53; ++o) z[p][o] = o % 2 == 0 ? -0.5 : 0.25;
    }
    z[chance.below(60)][chance.below(53)] += 1e-4 * chance.real();
    require_equal(z, 53, lanczos_eigenpairs(sparse(z, 53)));
  }
}

TEST_CASE("a stopped solver returns at once") {
  testing::Chance chance(8);
  std::stop_source source;
  source.request_stop();
  const auto found =
      lanczos_eigenpairs(sparse(noise(200, 100, 1.0, chance), 100), source.get_token());
  CHECK(found.products == 1);
}

TEST_CASE("either side of the matrix gives the same components") {
  // Few participants and many opinions go by participants, the others by opinions; dense and not.
  for (const auto& [participants, opinions] :
       {std::pair{12U, 200U}, {30U, 90U}, {90U, 200U}, {200U, 90U}, {200U, 12U}}) {
    const auto conversation = testing::grouped_votes(
        {.seed = 9, .participants = participants, .opinions = opinions, .votes = 2000});
    const VoteMatrix votes(conversation);
    const auto status = status_of_columns(conversation, votes);
    const auto counts = count_votes(votes);
    const auto center = center_of(counts, status);
    const CenteredVotes z = centered(votes, counts, center, status);
    const Components found = principal_components(z, votes.opinions());
    const auto direct =
        z.rows.columns <= kLargestDense ? dense_eigenpairs(z.rows) : lanczos_eigenpairs(z.rows);
    for (std::size_t k = 0; k < 2; ++k) {
      CHECK(found.residuals[k] <= kResidual);
      CHECK(found.eigenvalues[k] == Approx(direct.values[k]).epsilon(1e-12));
      double along = 0;
      for (std::size_t c = 0; c < z.opinions.size(); ++c) {
        along += found.loadings[k][z.opinions[c]] * direct.vectors[k][c];
      }
      CHECK(std::abs(along) == Approx(1).epsilon(1e-12));
    }
  }
}

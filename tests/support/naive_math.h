#pragma once

// The math once more, as plainly as its text has it: dense, slow, and without a line of the
// library, whose results for the same conversation are compared with it.

#include <cstddef>
#include <optional>
#include <set>
#include <vector>

namespace sluice::testing::naive {

using Row = std::vector<double>;
using Dense = std::vector<Row>;

// All eigenpairs of a symmetric matrix, descending, by Jacobi rotations.
struct Eigen {
  Row values;
  Dense vectors;  // one a row
};
[[nodiscard]] Eigen jacobi(Dense matrix);

// Z'Z
[[nodiscard]] Dense gram(const Dense& z, std::size_t columns);
[[nodiscard]] Row times(const Dense& matrix, const Row& vector);

// A dense table of votes, a row a participant; a missing one is nullopt.
using Table = std::vector<std::vector<std::optional<int>>>;

// Votes minus the column's mean, 0 where missing and in columns that count as 0.
[[nodiscard]] Dense centered(const Table& votes, const std::vector<bool>& zeroed, Row& mean);

struct Point {
  double x, y;
  auto operator<=>(const Point&) const = default;
};
[[nodiscard]] double distance(const Point& a, const Point& b);

struct Cluster {
  std::size_t id;
  Point center;
  std::vector<std::size_t> members;
};

[[nodiscard]] std::vector<Cluster> k_means(const std::vector<Point>& points, const Row& weight,
                                           std::size_t k, int rounds);
[[nodiscard]] double silhouette(const std::vector<Point>& points,
                                const std::vector<Cluster>& clusters);

// Votes on one opinion by some rows.
struct Tally {
  double a = 0, d = 0, n = 0;
};
[[nodiscard]] Tally tally(const Table& votes, const std::vector<std::size_t>& rows,
                          std::size_t opinion);
[[nodiscard]] double probability(double successes, double trials);
[[nodiscard]] double proportion_test(double successes, double trials);

struct Record {
  std::size_t opinion;
  bool agree, best_agree;
  double success, trials, p, test, ratio, ratio_test;
};

[[nodiscard]] std::vector<Record> representatives(const Table& votes,
                                                  const std::vector<bool>& zeroed,
                                                  const std::vector<std::size_t>& own,
                                                  const std::vector<std::size_t>& others);

// Who is clustered, by going through the rule anew after every vote that was cast.
class Clustered {
 public:
  void after(const Table& votes);
  std::set<std::size_t> in;
};

}  // namespace sluice::testing::naive

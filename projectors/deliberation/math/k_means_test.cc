#include "projectors/deliberation/math/k_means.h"

#include <catch2/catch.hpp>

using namespace sluice::math;

namespace {

struct Points {
  std::vector<double> x, y, weight;
};

Points on_a_line(std::initializer_list<double> x) {
  Points made{x, {}, {}};
  made.y.assign(made.x.size(), 0);
  made.weight.assign(made.x.size(), 1);
  return made;
}

Clustering run(const Points& points, std::size_t k, std::size_t rounds = 101) {
  return k_means({points.x, points.y, points.weight}, k, rounds);
}

using Labels = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("no points make no clusters") { CHECK(run({}, 3).size() == 0); }

TEST_CASE("with few distinct points each is a cluster, and equal ones share it") {
  const auto found = run(on_a_line({5, 3, 5, 4, 3}), 3);
  CHECK(found.ids == Labels{0, 1, 2});
  CHECK(found.x == std::vector<double>{5, 3, 4});
  CHECK(found.label == Labels{0, 1, 0, 2, 1});
  CHECK(found.rounds == 0);
}

TEST_CASE("minus zero is zero, and the next number is another") {
  CHECK(run(on_a_line({0.0, -0.0, 1}), 3).label == Labels{0, 0, 1});
  CHECK(run(on_a_line({1, 1 + 0x1p-52, 2}), 3).size() == 3);
}

TEST_CASE("it begins with the first distinct points") {
  const auto found = run(on_a_line({0, 0, 10, 1, 11}), 2);
  CHECK(found.label == Labels{0, 0, 1, 0, 1});
  CHECK(found.x[0] == Approx(1.0 / 3));
  CHECK(found.x[1] == 10.5);
}

TEST_CASE("a point between two centers goes to the later") {
  CHECK(run(on_a_line({0, 2, 1}), 2, 1).label == Labels{0, 1, 1});
}

TEST_CASE("a cluster that is left without members is gone, and the others keep their ids") {
  // The two at 4 belong to the second center at first; then the first and the third come up to them
  // from both sides.
  Points points = on_a_line({0, 4, 8.5, 2.1, 2.1, 2.1, 2.1});
  points.weight = {0.01, 1, 1, 1, 1, 1, 1};
  const auto found = run(points, 3);
  CHECK(found.ids.size() <= 3);
  CHECK(found.ids.back() == 2);
}

TEST_CASE("heavier points draw the center to themselves") {
  Points points = on_a_line({0, 10, 1, 11});
  points.weight = {3, 1, 1, 1};
  const auto found = run(points, 2);
  CHECK(found.x == std::vector<double>{0.25, 10.5});
}

TEST_CASE("it ends after so many rounds") {
  Points points;
  for (int i = 0; i < 400; ++i) {
    points.x.push_back(i % 20 + 0.01 * i);
    points.y.push_back((i * 7) % 31);
  }
  points.weight.assign(400, 1);
  CHECK(run(points, 5, 3).rounds == 3);
  CHECK(run(points, 5).rounds < 101);
}

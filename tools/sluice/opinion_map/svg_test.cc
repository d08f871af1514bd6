#include "tools/sluice/opinion_map/svg.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>

namespace sluice::svg {
namespace {

using Lines = std::vector<std::string>;

double side_of(const Point& a, const Point& b, const Point& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

std::vector<Point> points_of(const std::vector<std::pair<int, int>>& drawn) {
  std::vector<Point> points;
  // Few places, so that points coincide and stand in line.
  for (const auto& [x, y] : drawn) points.push_back({double(x % 12), double(y % 12)});
  return points;
}

}  // namespace

TEST_CASE("a hull turns one way, and has everybody on its inner side") {
  CHECK(rc::check([](const std::vector<std::pair<int, int>>& drawn) {
    const std::vector<Point> points = points_of(drawn);
    const std::vector<Point> hull = convex_hull(points);
    for (const Point& corner : hull) {
      RC_ASSERT(std::find(points.begin(), points.end(), corner) != points.end());
    }
    RC_ASSERT(hull.empty() == points.empty());
    for (std::size_t i = 0; hull.size() > 2 && i < hull.size(); ++i) {
      const Point& from = hull[i];
      const Point& to = hull[(i + 1) % hull.size()];
      RC_ASSERT(side_of(from, to, hull[(i + 2) % hull.size()]) > 0);
      for (const Point& point : points) RC_ASSERT(side_of(from, to, point) >= 0);
    }
  }));
}

TEST_CASE("the hull of points in line is its ends") {
  CHECK(convex_hull({{0, 0}, {1, 1}, {3, 3}, {2, 2}, {0, 0}}) ==
        std::vector<Point>{{0, 0}, {3, 3}});
}

TEST_CASE("text is broken at spaces, in long words where it must, and cut at the end") {
  CHECK(wrapped("", 10, 3) == Lines{""});
  CHECK(wrapped("  one line ", 10, 3) == Lines{"one line"});
  CHECK(wrapped("two words\nand more", 9, 3) == Lines{"two words", "and more"});
  CHECK(wrapped("abcdefghij", 4, 3) == Lines{"abcd", "efgh", "ij"});
  CHECK(wrapped("one two three four", 5, 2) == Lines{"one", "two\xE2\x80\xA6"});
  CHECK(wrapped("abcdefgh", 4, 1) == Lines{"abc\xE2\x80\xA6"});
}

TEST_CASE("wide characters take two places, and may stand at a line's end") {
  CHECK(wrapped("\u6211\u89BA\u5F97\u8F09\u5BA2", 4, 3) ==
        Lines{"\u6211\u89BA", "\u5F97\u8F09", "\u5BA2"});
  CHECK(wrapped("\u6211 UberX", 6, 2) == Lines{"\u6211", "UberX"});
}

TEST_CASE("what XML has a meaning or no place for is written otherwise") {
  CHECK(escaped("a<b>&\"c\"") == "a&lt;b&gt;&amp;&quot;c&quot;");
  CHECK(escaped("a\nb\tc") == "a b c");
  CHECK(escaped(std::string("\x01\x1f")) == "\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(escaped("\xEF\xBF\xBE") == "\xEF\xBF\xBD");
  CHECK(escaped("\u00e4\U0001F600") == "\u00e4\U0001F600");
}

}  // namespace sluice::svg

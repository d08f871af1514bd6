#pragma once

// Pieces of an SVG picture.

#include <string>
#include <string_view>
#include <vector>

namespace sluice::svg {

// In pixels, to the right and down.
struct Point {
  double x = 0;
  double y = 0;
  friend auto operator<=>(const Point&, const Point&) = default;
};

// "12.3": a tenth of a pixel is enough.
[[nodiscard]] std::string number(double value);

// Text and attribute values as XML takes them; characters that XML has no place for become U+FFFD.
// `text` is UTF-8.
[[nodiscard]] std::string escaped(std::string_view text);

// The text in lines of at most `width` Latin characters, broken at spaces where there are any; what
// is over `most` lines is cut with an ellipsis. Never empty.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t width,
                                               std::size_t most);

// The corners of the smallest convex shape around the points, in order.
[[nodiscard]] std::vector<Point> convex_hull(std::vector<Point> points);

}  // namespace sluice::svg

#include "tools/sluice/opinion_map/svg.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace sluice::svg {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// One character, and how much of a line it takes: Chinese, Japanese and Korean ones take two.
struct Character {
  std::size_t bytes;
  std::size_t width;
};

Character first_character(std::string_view text) {
  std::size_t bytes = 1;
  while (bytes < text.size() && continues(text[bytes])) ++bytes;
  // From U+2E80 on UTF-8 has three bytes, the first at least 0xE2 0xBA.
  const bool wide = text.substr(0, bytes) >= std::string_view("\xE2\xBA\x80");
  return {bytes, wide ? std::size_t{2} : std::size_t{1}};
}

// As much of the beginning as is at most so wide.
std::string_view head(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Character next = first_character(text.substr(at));
    if (next.width > width) break;
    width -= next.width;
    at += next.bytes;
  }
  return text.substr(0, at);
}

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Where the first line of `text` ends: at its last space, or behind its last wide character.
std::size_t line_end(std::string_view text, std::size_t width) {
  const std::size_t longest = head(text, width).size();
  if (longest == text.size() || text[longest] == ' ') return longest;
  std::size_t end = 0;
  for (std::size_t at = 0; at < longest;) {
    const Character next = first_character(text.substr(at));
    if (text[at] == ' ') end = at;
    at += next.bytes;
    if (next.width > 1) end = at;
  }
  return end == 0 ? longest : end;
}

// Twice the area of the triangle, positive when it turns left.
double turn(const Point& a, const Point& b, const Point& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

}  // namespace

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const std::string_view rest = text.substr(i);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += c == '\n' || c == '\t' || c == '\r' ? std::string_view(" ") : kReplacement;
    } else if (rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF")) {
      out += kReplacement;
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width, std::size_t most) {
  std::string flat(text);
  std::replace_if(
      flat.begin(), flat.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  std::string_view left = without_spaces(flat);
  std::vector<std::string> lines;
  do {
    const std::size_t end = line_end(left, width);
    lines.emplace_back(without_spaces(left.substr(0, end)));
    left = without_spaces(left.substr(end));
  } while (!left.empty() && lines.size() < most);
  if (!left.empty()) {
    lines.back() = std::string(head(lines.back(), width - 1)).append(kEllipsis);
  }
  return lines;
}

// Andrew's monotone chain: the lower side from left to right, then the upper one back.
std::vector<Point> convex_hull(std::vector<Point> points) {
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  if (points.size() < 3) return points;
  std::vector<Point> hull;
  const auto add = [&](const Point& point, std::size_t kept) {
    while (hull.size() > kept && turn(hull[hull.size() - 2], hull.back(), point) <= 0) {
      hull.pop_back();
    }
    hull.push_back(point);
  };
  for (const Point& point : points) add(point, 1);
  const std::size_t lower = hull.size();
  for (auto point = points.rbegin() + 1; point != points.rend(); ++point) add(*point, lower);
  hull.pop_back();
  return hull;
}

}  // namespace sluice::svg

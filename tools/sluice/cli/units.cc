#include "tools/sluice/cli/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>

namespace sluice {
namespace {

struct Unit {
  std::string_view name;
  double size;
};

constexpr std::array kBytes = {
    Unit{"", 1},          Unit{"B", 1},         Unit{"KiB", 1024},
    Unit{"KB", 1e3},      Unit{"MiB", 1 << 20}, Unit{"MB", 1e6},
    Unit{"GiB", 1 << 30}, Unit{"GB", 1e9},      Unit{"TiB", 1099511627776.0},
    Unit{"TB", 1e12}};
constexpr std::array kMilliseconds = {Unit{"", 1e3},  Unit{"ms", 1},    Unit{"s", 1e3},
                                      Unit{"m", 6e4}, Unit{"h", 3.6e6}, Unit{"d", 8.64e7}};
// Above this a double no longer holds every whole number.
constexpr double kMost = 9007199254740992.0;

// A number and a unit without a space between; whole in the smallest unit.
std::optional<double> parse(std::string_view text, std::span<const Unit> units) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    const double value = std::round(number * unit.size);
    const bool exact = std::abs(value - number * unit.size) < 1e-6;
    if (!exact || !(value >= 0) || value > kMost || std::signbit(number)) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

// Above 0, up to `most`; nullopt otherwise.
std::optional<double> parse_decimal(std::string_view text, double most) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  // Also where it is no number.
  if (error != std::errc{} || rest != end || !(value > 0 && value <= most)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::int64_t> parse_whole(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const auto value = parse(text, kBytes);
  if (!value) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse(text, kMilliseconds);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

std::optional<double> parse_part(std::string_view text) { return parse_decimal(text, 1); }

std::optional<double> parse_cores(std::string_view text) { return parse_decimal(text, kCoresMax); }

std::string show_part(double part) {
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, part, std::chars_format::fixed);
  return {digits, end.ptr};
}

std::string show_bytes(std::uint64_t bytes) {
  for (const auto& [name, shift] :
       {std::pair{"GiB", 30}, std::pair{"MiB", 20}, std::pair{"KiB", 10}}) {
    if (bytes != 0 && bytes % (std::uint64_t{1} << shift) == 0) {
      return std::to_string(bytes >> shift) + name;
    }
  }
  return std::to_string(bytes);
}

std::string show_duration(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  for (const auto& [name, size] :
       {std::pair{"h", 3600000}, std::pair{"m", 60000}, std::pair{"s", 1000}}) {
    if (count != 0 && count % size == 0) return std::to_string(count / size) + name;
  }
  return std::to_string(count) + "ms";
}

}  // namespace sluice

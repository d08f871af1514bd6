#pragma once

// From where on something is told of, where more than one place asks. docs/operate.md has all
// bounds.

#include <cmath>
#include <cstdint>
#include <string>

namespace sluice {

// Of the median: disks that are sound take a millisecond or thirty, and a busy one 200 now and
// then.
inline constexpr double kSlowFsyncSeconds = 0.1;

// Owners count as gone after 5 s without a word, by the database's clock; ticks and freshness are
// told by this machine's.
inline constexpr double kClockSeconds = 2;

// A disk with so little left, of its size and by itself, or with next to nothing.
inline constexpr double kLeastFreePart = 0.05;
inline constexpr std::uint64_t kLeastFreeBytes = std::uint64_t{10} << 30;
inline constexpr std::uint64_t kHardlyFreeBytes = std::uint64_t{64} << 20;

[[nodiscard]] constexpr bool nearly_full(std::uint64_t free_bytes, std::uint64_t bytes) {
  return free_bytes < kHardlyFreeBytes ||
         (free_bytes < kLeastFreeBytes &&
          static_cast<double>(free_bytes) < kLeastFreePart * static_cast<double>(bytes));
}

// With one decimal, for people.
[[nodiscard]] inline std::string rounded(double number) {
  const std::string text = std::to_string(std::round(10 * number) / 10);
  return text.substr(0, text.find('.') + 2);
}

}  // namespace sluice

#pragma once

// Sizes and times as people write them: 512MiB, 10s, 250ms.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// A decimal whole number, nothing around it.
[[nodiscard]] std::optional<std::int64_t> parse_whole(std::string_view text);

// A number of bytes: "4096", "512KiB", "64MiB", "2GiB"; KB, MB and GB are powers of 1000.
// nullopt for anything else, and for what does not fit.
inline constexpr const char* kByteUnits = "KiB, MiB, GiB, TiB, or KB, MB, GB, TB";
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);

// A length of time: "250ms", "30s", "5m", "24h", "1.5s"; a bare number is seconds. Whole
// milliseconds, not negative; nullopt for anything else, and for what does not fit.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// A part of one whole: a decimal above 0 and up to 1. nullopt for anything else.
[[nodiscard]] std::optional<double> parse_part(std::string_view text);
// How many cores: a decimal above 0 and up to kCoresMax, as "0.5". nullopt for anything else.
inline constexpr double kCoresMax = 1024;
[[nodiscard]] std::optional<double> parse_cores(std::string_view text);
// With the fewest digits that read back the same.
[[nodiscard]] std::string show_part(double part);

// The shortest of the forms above that is exact.
[[nodiscard]] std::string show_bytes(std::uint64_t bytes);
[[nodiscard]] std::string show_duration(std::chrono::milliseconds duration);

}  // namespace sluice

#include "storage/base/log_identity.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <random>

#include "storage/base/record_digest.h"

namespace sluice {
namespace {

constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kSize = 13;  // as many as 64 bits need

LogIdentity written(std::uint64_t number) {
  std::string text(kSize, kLetters.front());
  // The low digits in front: they differ the most.
  for (char& letter : text) {
    letter = kLetters[number % kLetters.size()];
    number /= kLetters.size();
  }
  return {text};
}

}  // namespace

LogIdentity random_identity() {
  std::random_device device;
  return written(std::uint64_t{device()} << 32 | device());
}

std::optional<LogIdentity> parse_identity(std::string_view text) {
  const bool sound =
      text.size() == kSize && text.find_first_not_of(kLetters) == std::string_view::npos;
  return sound ? std::optional(LogIdentity{std::string(text)}) : std::nullopt;
}

LogIdentity identity_of(std::string_view log, std::string_view stream, const LogRecord& first) {
  const std::uint64_t parts[] = {
      XXH3_64bits(log.data(), log.size()), XXH3_64bits(stream.data(), stream.size()),
      static_cast<std::uint64_t>(first.partition.value), digest_of(first).value};
  return written(XXH3_64bits(parts, sizeof parts));
}

}  // namespace sluice

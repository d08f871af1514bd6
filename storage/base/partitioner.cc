#include "storage/base/partitioner.h"

#include "storage/base/check.h"

namespace sluice {

std::uint32_t murmur2(std::string_view key) {
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  constexpr std::uint32_t kSeed = 0x9747b28c;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(key[i]));
  };

  std::uint32_t h = kSeed ^ static_cast<std::uint32_t>(key.size());
  std::size_t i = 0;
  for (; i + 4 <= key.size(); i += 4) {
    std::uint32_t k = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    k *= kMultiplier;
    k ^= k >> 24;
    k *= kMultiplier;
    h = h * kMultiplier ^ k;
  }
  const std::size_t rest = key.size() - i;
  if (rest > 2) h ^= byte(i + 2) << 16;
  if (rest > 1) h ^= byte(i + 1) << 8;
  if (rest > 0) h = (h ^ byte(i)) * kMultiplier;
  h ^= h >> 13;
  h *= kMultiplier;
  h ^= h >> 15;
  return h;
}

Partition partition_of(std::string_view key, int partitions) {
  CHECK(partitions > 0, "a stream has at least one partition");
  const std::uint32_t positive = murmur2(key) & 0x7fffffffu;
  return Partition{static_cast<std::int32_t>(positive % static_cast<std::uint32_t>(partitions))};
}

}  // namespace sluice

#pragma once

#include <cstdint>
#include <string_view>

#include "storage/check.h"
#include "storage/position.h"

namespace sluice {

// 32-bit murmur2 with Kafka's seed, as org.apache.kafka.common.utils.Utils.murmur2 computes it.
[[nodiscard]] std::uint32_t murmur2(std::string_view key);

// The one partition where a key's records belong: Kafka's default partitioner for keyed records.
[[nodiscard]] inline Partition partition_of(std::string_view key, int partitions) {
  CHECK(partitions > 0, "a stream has at least one partition");
  const std::uint32_t positive = murmur2(key) & 0x7fffffffu;
  return Partition{static_cast<std::int32_t>(positive % static_cast<std::uint32_t>(partitions))};
}

}  // namespace sluice

#pragma once

#include <cstdint>
#include <string_view>

#include "storage/base/position.h"

namespace sluice {

// 32-bit murmur2 with Kafka's seed, as org.apache.kafka.common.utils.Utils.murmur2 computes it.
[[nodiscard]] std::uint32_t murmur2(std::string_view key);

// The one partition where a key's records belong: Kafka's default partitioner for keyed records.
[[nodiscard]] Partition partition_of(std::string_view key, int partitions);

}  // namespace sluice

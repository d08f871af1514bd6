#pragma once

#include <rocksdb/flush_block_policy.h>

#include <memory>

namespace sluice::embedded {

// Has each block of a table file hold records of one partition only, so that a damaged block is one
// partition's.
[[nodiscard]] std::shared_ptr<rocksdb::FlushBlockPolicyFactory> one_partition_blocks();

}  // namespace sluice::embedded

#include "storage/rocksdb/rocks_resources.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>

#include "storage/base/check.h"
#include "storage/rocksdb/open_stores.h"
#include "storage/rocksdb/rocks_log.h"

namespace sluice {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
// Larger memtables do not make writing cheaper; smaller ones make more files.
constexpr std::size_t kLargestWriteBuffer = 32 * kMiB;
constexpr std::size_t kSmallestWriteBuffer = 1 * kMiB;
constexpr int kCacheShardBits = 2;  // a few threads; small shards evict what is in use
constexpr int kFilterBitsPerKey = 10;

bool supported(rocksdb::CompressionType type) {
  const auto all = rocksdb::GetSupportedCompressions();
  return std::find(all.begin(), all.end(), type) != all.end();
}

rocksdb::BlockBasedTableOptions table_options(std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
  // Filters stay resident: in a cache that is too small each get would read one again. They are
  // charged to it all the same.
  table.cache_index_and_filter_blocks = false;
  table.cache_usage_options.options_overrides[rocksdb::CacheEntryRole::kBlockBasedTableReader]
      .charged = rocksdb::CacheEntryRoleOptions::Decision::kEnabled;
  table.format_version = 5;
  return table;
}

}  // namespace

RocksResources::RocksResources(std::size_t bytes, int stores)
    : open_stores_(std::make_shared<OpenStores>()) {
  CHECK(stores > 0, "resources are for at least one store");
  const std::size_t for_memtables = bytes / 2;
  // Two a store: one is written while the other is flushed.
  write_buffer_bytes_ = std::clamp(for_memtables / (2 * static_cast<std::size_t>(stores)),
                                   kSmallestWriteBuffer, kLargestWriteBuffer);
  cache_ = rocksdb::NewLRUCache(bytes, kCacheShardBits);
  write_buffers_ = std::make_shared<rocksdb::WriteBufferManager>(for_memtables, cache_);
}

rocksdb::Options RocksResources::options() const {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_manager = write_buffers_;
  options.write_buffer_size = write_buffer_bytes_;
  options.max_write_buffer_number = 2;
  // A thread that cannot be started while others open files would end the process.
  options.max_file_opening_threads = 1;
  options.max_background_jobs = 2;
  // A get of a key that is not there must not walk the memtable.
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.05;
  options.level_compaction_dynamic_level_bytes = true;
  options.max_bytes_for_level_base = 4 * write_buffer_bytes_;
  options.target_file_size_base = std::max(write_buffer_bytes_, 8 * kMiB);
  options.compression =
      supported(rocksdb::kLZ4Compression) ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  // What a memtable leaves is merged soon: compressing it would be for nothing.
  options.compression_per_level.assign(static_cast<std::size_t>(options.num_levels),
                                       options.compression);
  options.compression_per_level.front() = rocksdb::kNoCompression;
  // What a crash tore off a log's end ends the state there, without a gap.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(cache_)));

  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = rocks_log();
  return options;
}

std::size_t RocksResources::used_bytes() const { return cache_->GetUsage(); }

RocksVitals RocksResources::vitals() const {
  RocksVitals vitals;
  vitals.used_bytes = used_bytes();
  open_stores_->ask(vitals);
  return vitals;
}

}  // namespace sluice

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace rocksdb {
class Cache;
class WriteBufferManager;
struct Options;
}  // namespace rocksdb

namespace sluice {

class OpenStores;

// How the stores of a process are, together.
struct RocksVitals {
  std::uint64_t stores = 0;
  std::uint64_t used_bytes = 0;  // charged now, of the number given
  std::uint64_t memtable_bytes = 0;
  std::uint64_t file_bytes = 0;  // on disk
  std::uint64_t pending_compaction_bytes = 0;
  std::uint64_t running_compactions = 0;
  std::uint64_t running_flushes = 0;
  std::uint64_t stopped = 0;  // stores that take no writes until compaction comes after
  std::uint64_t slowed = 0;   // stores that take them slowly for the same reason
};

// What all stores of a process share: one cache whose capacity is the one number, out of which
// memtables, blocks, indexes and filters are charged, and RocksDB's own background threads. Must
// outlive the stores. Any thread.
class RocksResources {
 public:
  // Memtables get a part of `bytes`, shared by up to `stores` at a time without stalling one
  // another.
  RocksResources(std::size_t bytes, int stores);

  // Options for a store's database within these bounds.
  [[nodiscard]] rocksdb::Options options() const;

  // Charged now, of the number given.
  [[nodiscard]] std::size_t used_bytes() const;
  [[nodiscard]] RocksVitals vitals() const;
  [[nodiscard]] const std::shared_ptr<OpenStores>& open_stores() const { return open_stores_; }

 private:
  std::size_t write_buffer_bytes_;
  std::shared_ptr<rocksdb::Cache> cache_;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers_;
  std::shared_ptr<OpenStores> open_stores_;
};

}  // namespace sluice

#pragma once

#include <cstddef>
#include <memory>

namespace rocksdb {
class Cache;
class WriteBufferManager;
struct Options;
}  // namespace rocksdb

namespace sluice {

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

 private:
  std::size_t write_buffer_bytes_;
  std::shared_ptr<rocksdb::Cache> cache_;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers_;
};

}  // namespace sluice

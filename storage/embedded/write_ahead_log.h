#pragma once

// What the write-ahead files of an EmbeddedLog's database still have where bytes of them are
// damaged. RocksDB either refuses to open such files or passes over them without saying what is
// lost: so they are set aside, and their sound batches written again.

#include <rocksdb/write_batch.h>

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "storage/embedded/embedded_format.h"

namespace sluice::embedded {

struct WriteAheadDamage {
  std::string what;  // the first: which file, which byte; empty: none
  // Whether every record that it took lies before another of its partition, where a reader meets
  // the gap. Else some partition may have lost its newest records, and nothing shows which.
  bool shows = true;
  // Those that have a record behind the last damage: their ends are sound.
  std::set<std::pair<StreamId, Partition>> sound;
};

// A record that ends with its file is none: its write was cut short, and nobody was told of it.
// Throws Retryable where a file cannot be read.
[[nodiscard]] WriteAheadDamage find_write_ahead_damage(const std::filesystem::path& directory);

// Moves the write-ahead files into the folder `damaged` below. Throws Retryable.
void set_write_ahead_files_aside(const std::filesystem::path& directory);

// The sound batches of files that were set aside and whose batches were not yet written again.
void for_each_batch_set_aside(const std::filesystem::path& directory,
                              const std::function<void(rocksdb::WriteBatch&)>& take);
// They are written again and durable. Throws Retryable.
void finish_files_set_aside(const std::filesystem::path& directory);

}  // namespace sluice::embedded

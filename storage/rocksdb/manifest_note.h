#pragma once

#include <rocksdb/listener.h>

#include <filesystem>

#include "storage/base/mutex.h"

namespace sluice {

// RocksDB takes a MANIFEST that lacks its end, or an older one, for the whole: it deletes the
// tables that are not named there, and opens without them. So how far the MANIFEST reached is noted
// in a file beside it, by one line such as "MANIFEST-000077 1234", and what is opened is held
// against that.
class ManifestNote final : public rocksdb::EventListener {
 public:
  // `directory`: of the database, whether or not there is one.
  explicit ManifestNote(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Before the database is opened. Throws Corrupt when its MANIFEST is shorter than was noted, or
  // an older one. Without a note, as in a checkpoint, there is nothing to say.
  void require_whole() const;

  // Once it is open. A note that cannot be written leaves the one before, which is still true.
  void write();

  // On RocksDB's threads, after tables were written or merged and the MANIFEST says so.
  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo&) override { write(); }
  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override { write(); }

 private:
  const std::filesystem::path directory_;
  Mutex writing_;
};

}  // namespace sluice

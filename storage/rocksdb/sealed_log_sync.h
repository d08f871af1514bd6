#pragma once

#include <rocksdb/listener.h>

#include <atomic>

namespace rocksdb {
class DB;
}

namespace sluice {

// RocksDB begins a new log with each memtable and writes to it while the one before may not have
// reached the disk. If the machine fails then, the newer one can be found without the older: a loss
// in the middle. So the older is synced before the newer takes anything, and the MANIFEST says of
// it, too, that it must be there (track_and_verify_wals_in_manifest): somebody may delete the file,
// which without the newer ones is a lost end, and with them a loss in the middle.
class SealedLogSync final : public rocksdb::EventListener {
 public:
  // Once the database is open, which outlives all calls.
  void watch(rocksdb::DB& database) { database_ = &database; }

  // On the thread that writes, after the new log was made and before it is written to. RocksDB
  // holds no lock meanwhile that a sync needs.
  void OnMemTableSealed(const rocksdb::MemTableInfo&) override;

  // A sync failed: what is written from then on may stand behind a loss.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  std::atomic<rocksdb::DB*> database_ = nullptr;
  std::atomic<bool> failed_ = false;
};

}  // namespace sluice

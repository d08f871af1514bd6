#pragma once

#include <rocksdb/listener.h>

#include <atomic>
#include <filesystem>

namespace sluice {

// RocksDB begins a new log with each memtable and writes to it while the one before may not have
// reached the disk. If the machine fails then, the newer one can be found without the older: a loss
// in the middle. So the older is synced before the newer takes anything.
class SealedLogSync final : public rocksdb::EventListener {
 public:
  explicit SealedLogSync(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // On the thread that writes, after the new log was made and before it is written to.
  void OnMemTableSealed(const rocksdb::MemTableInfo&) override;

  // A sync failed: what is written from then on may stand behind a loss.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  const std::filesystem::path directory_;
  std::atomic<bool> failed_ = false;
};

}  // namespace sluice

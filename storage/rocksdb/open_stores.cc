#include "storage/rocksdb/open_stores.h"

#include <rocksdb/db.h>

#include <algorithm>

namespace sluice {

void OpenStores::add(rocksdb::DB& database) {
  const MutexLock lock(mutex_);
  all_.push_back(&database);
}

void OpenStores::remove(const rocksdb::DB& database) {
  const MutexLock lock(mutex_);
  std::erase(all_, &database);
}

void OpenStores::ask(RocksVitals& vitals) const {
  const MutexLock lock(mutex_);
  for (rocksdb::DB* database : all_) {
    const auto number = [&](const std::string& property) {
      std::uint64_t value = 0;
      return database->GetIntProperty(property, &value) ? value : 0;
    };
    using Properties = rocksdb::DB::Properties;
    ++vitals.stores;
    vitals.file_bytes += number(Properties::kLiveSstFilesSize);
    vitals.memtable_bytes += number(Properties::kCurSizeAllMemTables);
    vitals.pending_compaction_bytes += number(Properties::kEstimatePendingCompactionBytes);
    vitals.running_compactions += number(Properties::kNumRunningCompactions);
    vitals.running_flushes += number(Properties::kNumRunningFlushes);
    if (number(Properties::kIsWriteStopped) > 0) ++vitals.stopped;
    if (number(Properties::kActualDelayedWriteRate) > 0) ++vitals.slowed;
  }
}

}  // namespace sluice

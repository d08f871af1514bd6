#include "storage/rocksdb/sealed_log_sync.h"

#include <rocksdb/db.h>

namespace sluice {

// Of logs that are not the newest it is written down how long they were, until what they hold is in
// tables.
void SealedLogSync::OnMemTableSealed(const rocksdb::MemTableInfo&) {
  rocksdb::DB* const database = database_;
  if (database != nullptr && !database->SyncWAL().ok()) failed_ = true;
}

}  // namespace sluice

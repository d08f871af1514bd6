#pragma once

#include <vector>

#include "storage/base/mutex.h"
#include "storage/rocksdb/rocks_resources.h"

namespace rocksdb {
class DB;
}

namespace sluice {

// The databases that are open on some resources, so that a thread beside their owners can ask how
// they are. Any thread.
class OpenStores {
 public:
  // From its opening to before it is closed.
  void add(rocksdb::DB& database);
  void remove(const rocksdb::DB& database);

  // Adds up what the databases say.
  void ask(RocksVitals& vitals) const;

 private:
  mutable Mutex mutex_;  // held while they are asked: none is closed meanwhile
  std::vector<rocksdb::DB*> all_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice

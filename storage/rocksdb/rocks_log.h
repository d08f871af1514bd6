#pragma once

#include <memory>

namespace rocksdb {
class Logger;
}

namespace sluice {

// RocksDB's own lines, in ours: failures as warnings, warnings for who debugs. A file of its own,
// as it would make beside the data, cannot be written where the disk is full, and RocksDB built
// with assertions (Debian's is) aborts the process at the line after that.
[[nodiscard]] std::shared_ptr<rocksdb::Logger> rocks_log();

}  // namespace sluice

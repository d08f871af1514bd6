#include "storage/rocksdb/rocks_status.h"

#include <string>

#include "storage/base/errors.h"
#include "storage/damaged_state.h"

namespace sluice {
namespace {

// RocksDB has no code for a held LOCK, only an I/O error that tells of the file.
bool held_by_another(const rocksdb::Status& status) {
  if (!status.IsIOError() || status.getState() == nullptr) return false;
  const std::string_view state = status.getState();
  return state.find("While lock file") != state.npos || state.find("lock hold by") != state.npos;
}

}  // namespace

void check(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return;
  const std::string what = std::string(doing).append(": ").append(status.ToString());
  if (held_by_another(status))
    throw Misconfigured(what + " (in use by another process: end that one)");
  if (status.IsCorruption() || status.IsPathNotFound()) throw Corrupt(what);
  if (status.IsInvalidArgument() || status.IsNotSupported()) throw Misconfigured(what);
  throw Retryable(what);
}

void check_state(const rocksdb::Status& status, std::string_view doing) {
  try {
    check(status, doing);
  } catch (const Corrupt& damage) {
    throw DamagedState(damage.what());
  }
}

}  // namespace sluice

#include "storage/state_snapshots.h"

namespace sluice {

std::string_view word(SnapshotFault fault) {
  switch (fault) {
    case SnapshotFault::torn:
      return "torn";
    case SnapshotFault::alien:
      return "alien";
    case SnapshotFault::version:
      return "version";
    case SnapshotFault::ahead:
      return "ahead";
    case SnapshotFault::log:
      return "log";
  }
  return {};
}

}  // namespace sluice

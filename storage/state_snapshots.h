#pragma once

// Snapshots of a partition's state, kept apart from it: a state that was lost begins again from one
// of them. Technologies: memory/; folders of files (tools/sluice/snapshots).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/position.h"

namespace sluice {

// Why a snapshot is not begun from.
enum class SnapshotFault {
  torn,     // not all of it is there, or not as it was made
  alien,    // of another partition or generation
  version,  // folded by another version of the rules
  ahead,    // of the view, which was restored from a backup
  log       // of records that the log does not have
};
[[nodiscard]] std::string_view word(SnapshotFault fault);

struct RefusedSnapshot {
  std::string path;
  SnapshotFault fault;
};

// As it says of itself; the state in it is not looked at.
struct KeptSnapshot {
  std::string path;  // names it, also for people
  std::string generation_id;
  int version = 1;
  Offset position;
  Digest digest;                            // of the record before position
  std::int64_t published = 0;               // how often computed rows were
  std::optional<SnapshotFault> fault = {};  // torn, and then all but the path is unknown; or alien
};

// Those of one partition, beside its open store. Used by the store's thread.
class StateSnapshots {
 public:
  virtual ~StateSnapshots() = default;

  // Newest first.
  [[nodiscard]] virtual std::vector<KeptSnapshot> list() = 0;

  // Has it brought beside the store, which keeps what it has, and compared with its checksums.
  // Waits a moment at most: what is under way goes on, and is asked for again. Throws as restore().
  enum class Brought { whole, torn, under_way };
  [[nodiscard]] virtual Brought bring(const KeptSnapshot& snapshot) = 0;

  // Puts it in the place of all that the store has; waits until it is brought, where that was not
  // done before. False: it is not whole any more, and the store has what it had. A crash leaves the
  // one or the other, or nothing. Retryable where it cannot be read or the state not be written;
  // then the store may have nothing.
  [[nodiscard]] virtual bool restore(const KeptSnapshot& snapshot) = 0;
};

}  // namespace sluice

#pragma once

// Makes snapshots of the state of partitions that are owned here.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "projectors/engine/run/errands.h"
#include "storage/base/mutex.h"
#include "tools/sluice/snapshots/description.h"

namespace sluice {

struct MadeSnapshot {
  SnapshotDescription says;
  std::filesystem::path path;
  std::uint64_t linked = 0;  // bytes that the snapshot before has, too
};

// {"projection","generation","partition","version","position","bytes","linked","seconds","path"}.
[[nodiscard]] std::string json_of(const MadeSnapshot& made);

// Puts what is in `checkpoint`, whose files may become the snapshot's, into the folder, described
// as `says` does but for the files. One that is there already is answered as it is. Misconfigured,
// with the name, where that cannot be done, and then nothing is left of it; Retryable: told to stop
// meanwhile.
[[nodiscard]] MadeSnapshot put_snapshot(const std::filesystem::path& folder,
                                        const std::filesystem::path& checkpoint,
                                        SnapshotDescription says, const std::stop_token& stop);

// One at a time of a process. Any thread.
class SnapshotMaking {
 public:
  // Where a checkpoint of the partition's state is made, on the file system of that.
  using CheckpointFolder = std::function<std::filesystem::path(const ErrandPlace&)>;

  // Both outlive this.
  SnapshotMaking(Errands& errands, CheckpointFolder checkpoint_folder)
      : errands_(errands), checkpoint_folder_(std::move(checkpoint_folder)) {}

  enum class Nothing { no_owner, nothing_folded };
  struct Outcome {
    std::optional<MadeSnapshot> made;
    Nothing nothing = Nothing::no_owner;  // where none was made
  };
  // While the partition is folded on. Throws what put_snapshot() throws, and Error where the state
  // cannot be checkpointed.
  [[nodiscard]] Outcome make(const std::filesystem::path& folder, const ErrandPlace& place,
                             const std::stop_token& stop);

 private:
  [[nodiscard]] bool flush_beside(const ErrandPlace& place, const std::stop_token& stop);

  Errands& errands_;
  const CheckpointFolder checkpoint_folder_;
  Mutex mutex_;  // held while one is made
};

}  // namespace sluice

#pragma once

// Snapshots of the partitions that a process owns: made when asked for, and now and then by itself.

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "storage/base/mutex.h"
#include "tools/sluice/cli/program.h"
#include "tools/sluice/node/requests.h"
#include "tools/sluice/node/workers.h"

namespace sluice {

struct SnapshotOptions {
  std::string folder;                  // where lost state begins again from; empty: nowhere
  std::chrono::milliseconds every{0};  // 0: none are made but when asked for
};

// --snapshots and --snapshot-every.
void add_snapshot_options(Command& command, SnapshotOptions& options);
// The folder, made where it is missing; empty: there is none. Misconfigured where it cannot be
// ours, holds something else, is in the folder `data`, or the one is given without the other.
[[nodiscard]] std::filesystem::path checked_folder(const SnapshotOptions& options,
                                                   const std::filesystem::path& data);

// Answers snapshot.create, {"to": folder outside of `data`}, with {"snapshot": {...}}; null:
// nothing was folded yet.
[[nodiscard]] OwnerKinds snapshot_kinds(Workers& workers, std::filesystem::path data);

// Why the last round of snapshots did not make all; empty: it did, or none was made yet. Told by
// the keeper, which others may outlive. Any thread.
class SnapshotTrouble {
 public:
  void tell(std::string text) {
    const MutexLock lock(mutex_);
    text_ = std::move(text);
  }
  [[nodiscard]] std::string text() const {
    const MutexLock lock(mutex_);
    return text_;
  }

 private:
  mutable Mutex mutex_;
  std::string text_ SLUICE_GUARDED_BY(mutex_);
};

// On a thread of its own, until destroyed. Takes away what is torn, too old, or beyond what is
// kept.
class SnapshotKeeper {
 public:
  // Workers and trouble outlive this. `every` above 0.
  SnapshotKeeper(Workers& workers, SnapshotTrouble& trouble, std::filesystem::path folder,
                 std::chrono::milliseconds every);

  [[nodiscard]] std::string trouble() const { return trouble_.text(); }

 private:
  void run(const std::stop_token& stop);
  [[nodiscard]] std::string round(const std::stop_token& stop);
  void tell(std::string trouble);

  Workers& workers_;
  SnapshotTrouble& trouble_;
  const std::filesystem::path folder_;
  const std::chrono::milliseconds every_;
  std::jthread thread_;  // the last: it uses what is before it
};

}  // namespace sluice

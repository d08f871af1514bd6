#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "storage/rocksdb/rocks_state_store.h"
#include "storage/state_snapshots.h"
#include "tools/sluice/snapshots/folder.h"
#include "tools/sluice/snapshots/restorations.h"

namespace sluice {

// Those of one partition in a folder, beside its state.
class FolderSnapshots final : public StateSnapshots {
 public:
  // `state` is the store's folder. The store and the restorations, which are the process's, must
  // outlive this.
  FolderSnapshots(std::filesystem::path folder, SnapshotPlace place, RocksStateStore& store,
                  const std::filesystem::path& state, Restorations& restorations)
      : folder_(std::move(folder)),
        place_(std::move(place)),
        store_(store),
        fresh_(state.string() + ".restoring"),
        restorations_(restorations) {}

  // Where there are none of the generation, the newest of each other one: for people, who are told
  // why it was not begun from.
  [[nodiscard]] std::vector<KeptSnapshot> list() override;
  // Every byte is compared with its checksum.
  [[nodiscard]] Brought bring(const KeptSnapshot& snapshot) override;
  [[nodiscard]] bool restore(const KeptSnapshot& snapshot) override;

 private:
  [[nodiscard]] Brought bring(const KeptSnapshot& snapshot, std::chrono::milliseconds patience);

  const std::filesystem::path folder_;
  const SnapshotPlace place_;
  RocksStateStore& store_;
  const std::filesystem::path fresh_;
  Restorations& restorations_;
  std::string brought_;  // the snapshot that is whole in fresh_; empty: none
};

}  // namespace sluice

#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <utility>

#include "storage/rocksdb/rocks_state_store.h"
#include "tests/contract/state_snapshots_contract.h"
#include "tests/support/temp_dir.h"
#include "tools/sluice/snapshots/folder.h"
#include "tools/sluice/snapshots/folder_snapshots.h"
#include "tools/sluice/snapshots/making.h"

namespace sluice::testing {

inline const SnapshotPlace kSnapshotPlace{"tally", "g", Partition{3}};
inline const Time kMadeAt{std::chrono::milliseconds{1'700'000'000'000}};

// Snapshots of a state in RocksDB, in a folder.
class FolderUnderTest final : public SnapshotsUnderTest {
 public:
  explicit FolderUnderTest(std::filesystem::path folder = {})
      : folder_(folder.empty() ? dir_.path() / "snapshots" : std::move(folder)) {
    std::filesystem::create_directories(state().parent_path());
    reopen();
  }
  StateStore& store() override { return *store_; }
  StateSnapshots& snapshots() override { return *snapshots_; }
  void reopen() override {
    snapshots_.reset();
    store_.reset();
    store_ = std::make_unique<RocksStateStore>(state(), resources_);
    snapshots_ =
        std::make_unique<FolderSnapshots>(folder_, kSnapshotPlace, *store_, state(), restorations_);
  }
  void make(Offset position) override { (void)made(position); }
  MadeSnapshot made(Offset position, Time at = kMadeAt) {
    checkpoint();
    return put(position, at);
  }
  void checkpoint() {
    std::filesystem::remove_all(dir_.path() / "checkpoint");
    store_->checkpoint(dir_.path() / "checkpoint");
  }
  MadeSnapshot put(Offset position, Time at = kMadeAt) {
    return put_snapshot(folder_, dir_.path() / "checkpoint",
                        {.projection = kSnapshotPlace.projection,
                         .generation = 2,
                         .generation_id = kSnapshotPlace.generation_id,
                         .partition = kSnapshotPlace.partition,
                         .position = position,
                         .digest = Digest{static_cast<std::uint64_t>(position.value)},
                         .made_at = at,
                         .files = {}},
                        {});
  }
  [[nodiscard]] std::filesystem::path state() const { return dir_.path() / "state" / "3"; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::filesystem::path place() const { return folder_ / "tally" / "g" / "3"; }

 private:
  TempDir dir_;
  const std::filesystem::path folder_;
  RocksResources resources_{std::size_t{16} << 20, 1};
  Restorations restorations_;
  std::unique_ptr<RocksStateStore> store_;
  std::unique_ptr<FolderSnapshots> snapshots_;
};

}  // namespace sluice::testing

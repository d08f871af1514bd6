#include "storage/memory/memory_snapshots.h"

#include <catch2/catch.hpp>

#include "tests/contract/state_snapshots_contract.h"

namespace sluice::testing {
namespace {

class MemorySnapshotsUnderTest final : public SnapshotsUnderTest {
 public:
  StateStore& store() override { return *store_; }
  StateSnapshots& snapshots() override { return snapshots_; }
  void reopen() override { store_ = std::make_unique<MemoryStateStore>(state_); }
  void make(Offset position) override {
    shelf_.add({.path = std::to_string(position.value),
                .generation_id = "g",
                .position = position,
                .digest = Digest{static_cast<std::uint64_t>(position.value)}},
               state_);
  }

 private:
  MemoryState state_;
  MemorySnapshotShelf shelf_;
  MemorySnapshots snapshots_{shelf_, state_};
  std::unique_ptr<MemoryStateStore> store_ = std::make_unique<MemoryStateStore>(state_);
};

}  // namespace

TEST_CASE("snapshots in memory keep the contract") {
  state_snapshots_contract([] { return std::make_unique<MemorySnapshotsUnderTest>(); });
}

}  // namespace sluice::testing

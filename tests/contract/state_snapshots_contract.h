#pragma once

#include <functional>
#include <memory>

#include "storage/state_snapshots.h"
#include "storage/state_store.h"

namespace sluice::testing {

// What a technology gives to be held to the contract of snapshots: a state, and a way to make some
// of it.
class SnapshotsUnderTest {
 public:
  virtual ~SnapshotsUnderTest() = default;
  virtual StateStore& store() = 0;
  virtual StateSnapshots& snapshots() = 0;
  // As after a restart.
  virtual void reopen() = 0;
  // Of the state as it is; another at each position.
  virtual void make(Offset position) = 0;
};

using MakeSnapshots = std::function<std::unique_ptr<SnapshotsUnderTest>()>;

// What all snapshots keep (storage/state_snapshots.h). Called from a TEST_CASE.
void state_snapshots_contract(const MakeSnapshots& make);

}  // namespace sluice::testing

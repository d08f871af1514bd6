#pragma once

// What an operator of a process that projects is to know, though the process may be relied on.

#include <string>

#include "tools/sluice/node/self_audit.h"
#include "tools/sluice/node/snapshot_keeper.h"
#include "tools/sluice/node/workers.h"

namespace sluice {

// Where advice comes from. Null: there is none of the kind.
struct AdviceSources {
  const Workers* workers = nullptr;  // generations that are left alone
  const SnapshotKeeper* snapshots = nullptr;
  const SelfAudit* audit = nullptr;
};

// A line each; empty while there is nothing to say. Any thread.
[[nodiscard]] std::string advice_of(const AdviceSources& sources);

}  // namespace sluice

#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/base/position.h"
#include "storage/log_topology.h"
#include "storage/projection_sink.h"
#include "storage/state_snapshots.h"

namespace sluice {

// Which snapshot a partition begins from, in the place of a state that is lost or cannot be used:
// the newest that neither its view nor its log speaks against. Used by the projector's thread.
class SnapshotChoice {
 public:
  struct Of {
    std::string generation_id;
    int version = 1;
    std::string label;  // for messages: "deliberation:3"
  };
  // Where the partition's view and log are.
  struct Stand {
    const ViewPosition& view;
    LogRange log;
  };
  // Makes it the state; false: it is not whole.
  using Restore = std::function<bool(const KeptSnapshot&)>;

  // `snapshots`: null: there are none. `told` is where it says which were refused, the first ones.
  // Both outlive this.
  SnapshotChoice(Of of, StateSnapshots* snapshots, std::vector<RefusedSnapshot>& told);

  [[nodiscard]] bool any() const { return snapshots_ != nullptr; }
  // What was refused may be chosen again.
  void begin_anew() { refused_.clear(); }
  // The one that was restored; nullopt: none can be begun from.
  [[nodiscard]] std::optional<KeptSnapshot> restore_newest(const Stand& stand,
                                                           const Restore& restore);
  // It is not chosen again.
  void refuse(const std::string& path, SnapshotFault fault);
  // The one that a state at this position is, unless it was refused: it may have been restored
  // before a death. "": none.
  [[nodiscard]] std::string snapshot_of(Offset position, Digest digest);

 private:
  [[nodiscard]] std::optional<SnapshotFault> fault_of(const KeptSnapshot& snapshot,
                                                      const Stand& stand) const;

  const Of of_;
  StateSnapshots* const snapshots_;
  std::vector<RefusedSnapshot>& told_;
  std::set<std::string> refused_;  // paths
};

}  // namespace sluice

#pragma once

// A log folded from its start into stores of its own: what a view is held against.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "projectors/engine/fold/refold.h"
#include "projectors/engine/projection.h"
#include "storage/postgres/published_rows.h"
#include "storage/rocksdb/rocks_resources.h"
#include "storage/rocksdb/rocks_state_store.h"
#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/memory_budget.h"
#include "tools/sluice/verification/computed_account.h"
#include "tools/sluice/verification/scratch_folder.h"

namespace sluice {

// Where a view stands, by partition.
using Targets = std::map<Partition, ViewPosition>;

// All partitions of a generation. Used by one thread; TERM ends what it does with Retryable.
class RefoldedView {
 public:
  // The log must outlive this. Misconfigured when it no longer has its first records.
  RefoldedView(const Projection& projection, const Generation& generation, Log& log,
               const MemoryBudget& memory, const std::string& scratch);

  // How many records are to fold up to the positions of the view.
  [[nodiscard]] std::uint64_t behind(const Targets& targets) const;

  // Folds up to the positions of the view, and no further. Corrupt when the view was folded from
  // other records than these. `shown`: with a progress bar.
  void reach(const Targets& targets, bool shown);

  // Before reach(): has the view's computed keys computed from the positions that their rows claim.
  // Returns a key that was claimed from a position which the refold has already passed; empty:
  // none.
  [[nodiscard]] std::string expect(const AsOfs& published);
  // The same for the last time, with the view at `last`: no later claim will come.
  [[nodiscard]] std::string expect_last(const AsOfs& published, const Targets& last);

  // Goes on where the last reach() ended.
  void resume();

  // The first `shown` rows that differ are named.
  [[nodiscard]] RowComparison compare(PublishedRows& rows, const google::protobuf::Descriptor& row,
                                      int shown);

  // The same of what people decided.
  [[nodiscard]] RowComparison compare_decisions(PublishedRows& rows, int shown);

  // Throws Retryable after TERM or INT.
  void heed_interrupt() const;

 private:
  // Reads every partition from its start.
  class FromTheStart final : public Ownership {
   public:
    Offset acquired(Partition) override { return Offset{0}; }
    void lost(Partition) override {}
  };

  void add_partition(const Projection& projection, const Generation& generation,
                     Partition partition, RefoldMemory memory);
  void read_up_to(const Targets& targets, bool shown);
  // After that many polls in a row that returned nothing, while records are wanted. Throws once
  // that says something: Corrupt when the log has no more, Retryable when it does not answer.
  void require_more(const Targets& targets, int empty_polls);
  void check_positions(const Targets& targets);
  [[nodiscard]] std::vector<AsOfs> by_partition(const AsOfs& published) const;
  [[nodiscard]] std::uint64_t lag(Partition partition, const ViewPosition& view) const;
  void fold(const LogRecord& record, const Targets& targets);
  [[nodiscard]] Refold& refold(Partition partition) const;
  [[nodiscard]] ComputedAccount* computed(Partition partition) const;

  const Shutdown shutdown_;
  const std::string name_;
  const ScratchFolder scratch_;
  const std::unique_ptr<LogTopology> topology_;
  const RocksResources resources_;
  FromTheStart from_the_start_;
  // By the number of the partition.
  std::vector<Partition> partitions_;
  std::vector<std::unique_ptr<RocksStateStore>> stores_;
  std::vector<std::unique_ptr<Refold>> refolds_;
  std::vector<std::unique_ptr<ComputedAccount>> computed_;  // none without computed tables
  std::unique_ptr<EventReader> reader_;
  std::map<Partition, bool> reader_wanted_;
  std::set<Partition> held_;     // paused: they have reached the view
  std::set<Partition> rewound_;  // in the batch at hand: to be read again from their positions
};

}  // namespace sluice

#pragma once

// The workers of a process: for each projection as many as were asked for, a thread each.

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/computed/computations.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/quarantine/quarantine.h"
#include "projectors/engine/run/errands.h"
#include "projectors/engine/run/monitor.h"
#include "projectors/engine/run/probe.h"
#include "projectors/engine/tables/row_memory.h"
#include "storage/projection_sink.h"
#include "storage/rocksdb/rocks_resources.h"
#include "storage/state_store.h"
#include "tools/sluice/node/crews.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/memory_budget.h"
#include "tools/sluice/node/published.h"
#include "tools/sluice/node/quarantine_news.h"
#include "tools/sluice/snapshots/making.h"
#include "tools/sluice/snapshots/restorations.h"

namespace sluice {

// Of a process that projects: those that answer requests, look at workers, look at logs, renew the
// process's row, and audit.
inline constexpr int kSessionsBesideWorkers = 5;

// Of `up` and `project`.
inline constexpr const char* kParkedLimitHelp =
    "So many records that wait in quarantine under one key are shown with their bytes; more are "
    "kept in the state alone, and told of in sluice status";
inline constexpr std::int64_t kParkedLimitMost = 1'000'000'000;

struct WorkersConfig {
  std::filesystem::path data;            // state is kept in its folder "state"
  std::string instance;                  // of the data folder
  int workers = 1;                       // of each projection
  int partitions = 1;                    // of all projections together, for sharing out memory
  std::filesystem::path snapshots = {};  // a folder of them; empty: none
  MemoryBudget memory{};
  std::chrono::milliseconds flush_interval{250};
  // From one computation of a conversation's opinion groups, or another domain's like, to the next.
  std::chrono::milliseconds math_interval_min{1000};
  bool key_index = true;  // see ProjectorLimits, as the next
  std::int64_t parked_limit = kParkedLimit;
  // Of a domain: see WorkerParts::wrong_log. Any thread.
  std::function<std::optional<std::string>(std::string_view domain)> wrong_log =
      [](std::string_view) { return std::optional<std::string>(); };
};

// Where a process keeps a partition's state below its data folder.
[[nodiscard]] std::filesystem::path state_folder(const std::filesystem::path& data,
                                                 const Generation& generation, Partition partition);

class Workers {
 public:
  // Opens a generation of a projection (0: the live one) over a session of this name; called once
  // by each worker, on its thread.
  using OpenView =
      std::function<ViewSession(const Projection&, int generation, const std::string& session)>;

  // `views`: for the thread that looks at the workers from beside and knows which generations there
  // are; null: there is none, and the live ones are folded. The log must outlive this.
  Workers(std::vector<Projection> projections, WorkersConfig config, Log& log, OpenView open_view,
          std::unique_ptr<ViewMonitor> views = nullptr);

  // Until stopped; then every worker flushes what it has folded. Folded is each generation that is
  // by the version of the rules that this program has. A projection that cannot work is a trouble
  // and tried again, while others go on. Throws what starting threads throws.
  void run(const std::stop_token& stop);

  // HOST:PROCESS:START, as the owners of partitions begin: tells this start of the process from all
  // others, and people where to look for it.
  [[nodiscard]] const std::string& start() const { return start_; }
  [[nodiscard]] const Probe& probe() const { return probe_; }
  // For what is asked of the owners of partitions. Any thread.
  [[nodiscard]] Errands& errands() { return errands_; }
  [[nodiscard]] SnapshotMaking& snapshots() { return snapshots_; }
  // Partitions that no process has, as far as is known.
  [[nodiscard]] std::vector<UnownedPartition> unowned() const;
  // Any thread, as the next.
  [[nodiscard]] RocksVitals rocks() const { return resources_.vitals(); }
  [[nodiscard]] std::size_t order_bytes() const { return rows_.orders().held(); }
  [[nodiscard]] const Computations& computations() const { return computations_; }

  // Why not everything is projected, for people, a line each; none when it is. Any thread.
  [[nodiscard]] std::vector<std::string> troubles() const;
  // Which generations are not folded here, since their rules are of another version. Any thread.
  [[nodiscard]] std::vector<std::string> left_alone() const;
  // As the database had them last; none: nothing was heard of it yet. Any thread.
  [[nodiscard]] std::vector<GenerationSeen> generations() const;

 private:
  [[nodiscard]] MonitorConfig watched() const;
  void watch(const std::stop_token& stop);
  void tell_left_alone();
  void tell_quarantined();
  [[nodiscard]] std::set<CrewPlace> wanted() const;
  void forget_retired(const std::set<CrewPlace>& folded);
  void work(const CrewPlace& place, int number, const std::stop_token& stop);
  void work_once(const CrewPlace& place, int number, const std::stop_token& stop);
  [[nodiscard]] const Projection& projection(std::string_view name) const;
  [[nodiscard]] double share_of(const CrewPlace& place) const;
  [[nodiscard]] std::unique_ptr<StateStore> open_store(const std::filesystem::path& folder) const;
  [[nodiscard]] std::unique_ptr<StateSnapshots> open_snapshots(const Generation& generation,
                                                               Partition partition,
                                                               StateStore& store);

  const std::vector<Projection> projections_;
  const WorkersConfig config_;
  const std::string start_;  // tells this start of the process from all others
  Log& log_;
  const OpenView open_view_;
  const RocksResources resources_;
  Probe probe_;
  Errands errands_;
  SnapshotMaking snapshots_;
  Restorations restorations_;
  RowMemory rows_;
  SharedBytes filters_;  // of event ids
  Computations computations_;
  const std::unique_ptr<ViewMonitor> views_;
  const std::unique_ptr<LogTopology> topology_;
  const std::unique_ptr<LogCluster> cluster_;
  std::optional<Monitor> monitor_;
  std::set<std::string> left_told_;  // by the monitor's thread, as the next
  QuarantineNews quarantined_;
};

}  // namespace sluice

#pragma once

// The self-audit of a process that projects: one partition after the other, on a thread of its own,
// within a share of a core.

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "projectors/engine/audit/partition_audit.h"
#include "storage/base/mutex.h"
#include "storage/postgres/audit/audit_session.h"
#include "tools/sluice/cli/program.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/metric_families.h"
#include "tools/sluice/node/workers.h"
#include "tools/sluice/records/partition_records.h"

namespace sluice {

// What --audit is when it is not given.
inline constexpr double kAuditShare = 0.02;
void add_audit_option(Command& command, double& share);

// Runs from its making to its end. Audited are the partitions of live generations that this process
// owns.
class SelfAudit {
 public:
  struct Config {
    std::string postgres;
    double share = kAuditShare;  // of a core, above 0 and up to 1; and of Postgres' time
    std::filesystem::path data;  // large keys are folded below it
  };

  // Workers, projections and log outlive this.
  SelfAudit(Config config, Workers& workers, std::vector<Projection> projections, Log& log);
  ~SelfAudit();

  // Partitions that cannot be audited and why, a line each, for people. Any thread.
  [[nodiscard]] std::vector<std::string> left_out() const;
  // Of those that are. Any thread.
  void add_metrics(MetricFamilies& families) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Audited;  // a partition, while it is owned
  struct Told {
    std::optional<AuditStanding> standing;
    std::string why_not;  // empty: it is audited
  };

  void run(const std::stop_token& stop);
  void look_at_owned();
  void turn(Audited& audited, const std::stop_token& stop);
  using Look = std::function<PartitionAudit::Did()>;
  [[nodiscard]] bool work(Audited& audited, const Look& look, const std::stop_token& stop);
  [[nodiscard]] bool open(Audited& audited);
  [[nodiscard]] bool begin_again(Audited& audited);
  [[nodiscard]] std::unique_ptr<LentState> lend(const ErrandPlace& place);
  [[nodiscard]] std::shared_ptr<StateStore> open_scratch() const;
  void look_again_where_due(const std::stop_token& stop);
  void tell(const Audited& audited, std::string why_not);
  template <class Work>
  void within_share(const std::stop_token& stop, Work work);

  const Config config_;
  Workers& workers_;
  const std::vector<Projection> projections_;
  Log& log_;
  std::unique_ptr<AuditSession> session_;
  std::map<ErrandPlace, std::unique_ptr<Audited>> audited_;  // by the thread
  mutable Mutex mutex_;
  std::map<ErrandPlace, Told> told_ SLUICE_GUARDED_BY(mutex_);
  std::jthread thread_;  // the last: it uses what is before it
};

}  // namespace sluice

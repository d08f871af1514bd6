#pragma once

// Looks at the workers of a process from a thread beside them, and asks the view and the log
// whether they answer: a worker that waits for one of them can say nothing.

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/run/probe.h"
#include "projectors/engine/run/watched_worker.h"
#include "storage/base/mutex.h"
#include "storage/log_cluster.h"
#include "storage/log_topology.h"
#include "storage/view_monitor.h"

namespace sluice {

struct MonitorConfig {
  struct Watched {
    std::string projection;
    std::string stream;
    std::function<std::string(int generation)> group;  // of the stream's readers
  };
  std::vector<Watched> projections;
  std::string instance;           // the process, as the owners of its claims begin
  std::string member;             // the process, as its static members of groups begin
  std::string client = "sluice";  // as processes like this one call themselves to the log
  std::function<std::chrono::steady_clock::time_point()> clock = std::chrono::steady_clock::now;
};

// The first three are the monitor's own, and answer within seconds or throw.
struct MonitorParts {
  ViewMonitor& views;
  LogTopology& topology;
  LogCluster* cluster;  // null: the log is on one machine
  Probe& probe;
};

class Monitor {
 public:
  using Clock = std::chrono::steady_clock;

  // How often look() is to be called: with kTurnExpected, a lock is named within two seconds.
  static constexpr std::chrono::milliseconds kBetweenLooks{500};

  Monitor(MonitorConfig config, MonitorParts parts);

  // Looks at all workers, speaks for those that cannot, and asks who has the partitions that none
  // of them has. On the monitor's thread. Throws nothing: what does not answer is a trouble.
  void look();

  // Why not everything is projected, a line each; told by the ages of what was last heard, so that
  // it is true also while look() waits. Any thread.
  [[nodiscard]] std::vector<std::string> troubles() const;
  // As the view had them last; none: nothing was heard of it yet. Any thread.
  [[nodiscard]] std::vector<GenerationSeen> generations() const;

  // Partitions that no process had, or whose owner said that they stand still, when that was last
  // known, with their freshness as of now. Any thread.
  [[nodiscard]] std::vector<UnownedPartition> unowned() const;

 private:
  // The view, or the log, as somebody who is asked by one thread.
  class Party {
   public:
    explicit Party(const char* name) : name_(name) {}
    void asked(Clock::time_point now);
    void answered();
    void failed(const std::string& why);
    // There is no question for it now, so that it holds up nobody.
    void not_asked();
    // "database: no answer for 4 s: ..."; empty while it answers soon enough.
    [[nodiscard]] std::string silence(Clock::time_point now) const;

   private:
    const std::string name_;
    mutable Mutex mutex_;
    // A question that has no answer yet; of those that failed one after the other, the first.
    std::optional<Clock::time_point> asked_ SLUICE_GUARDED_BY(mutex_);
    std::optional<Clock::time_point> failing_since_ SLUICE_GUARDED_BY(mutex_);
    std::string why_ SLUICE_GUARDED_BY(mutex_);
  };
  using Workers = std::map<std::string, WatchedWorker>;
  using Texts = std::map<std::string, std::string>;

  // False where `question` throws.
  template <class Ask>
  bool ask(Party& party, Ask question);
  [[nodiscard]] bool is_late(const WatchedWorker& worker) const;
  [[nodiscard]] std::string trouble_of(const std::string& name, const WatchedWorker& worker) const;

  void look_for_generations();
  void find_locks(const Workers& workers);
  void speak_for_late(const Workers& workers);
  void hear_log(const Workers& workers);
  void hear_partition(const MonitorConfig::Watched& of, const WatchedWorker& worker,
                      const HeldPartition& held, const std::string& trouble);
  void tell_of_silent_log(const Workers& workers);
  void explain_others(std::vector<UnownedPartition> unowned, const Workers& workers);
  void explain(const std::vector<UnownedPartition>& unowned);
  [[nodiscard]] std::string why_unowned(const UnownedPartition& partition,
                                        const std::vector<GroupMemberSeen>& members) const;

  const MonitorConfig config_;
  const MonitorParts parts_;
  std::vector<std::string> projections_;
  Party view_{"database"};
  Party log_{"log"};
  // Of partitions that nobody has: what they are asked may fail though view and log answer.
  Party owners_{"owners of partitions"};
  Party groups_{"groups of readers"};
  mutable Mutex mutex_;
  bool has_looked_ SLUICE_GUARDED_BY(mutex_) = false;
  std::vector<GenerationSeen> generations_ SLUICE_GUARDED_BY(mutex_);
  Texts locks_ SLUICE_GUARDED_BY(mutex_);  // of late workers, by name
  std::vector<UnownedPartition> unowned_ SLUICE_GUARDED_BY(mutex_);
  Clock::time_point unowned_at_ SLUICE_GUARDED_BY(mutex_);
  Texts why_unowned_ SLUICE_GUARDED_BY(mutex_);  // by "deliberation:3"
  Texts built_ SLUICE_GUARDED_BY(mutex_);        // beside these, by the same
  Texts unserved_ SLUICE_GUARDED_BY(mutex_);     // the same
};

}  // namespace sluice

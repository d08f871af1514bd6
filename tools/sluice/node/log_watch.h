#pragma once

// Looks at the streams of a process's domains, at its start and each minute, and each two seconds
// while something is wrong: whether they are those
// that views stand on, and whether their settings keep what views are folded from.

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/log_topology.h"
#include "storage/stream_settings.h"
#include "tools/sluice/node/log_check.h"

namespace sluice {

struct LogWatchParts {
  LogTopology& topology;
  StreamSettings* settings = nullptr;  // null: there are none
  StandingViews* views = nullptr;      // null: this process has no database
};

class LogWatch {
 public:
  using Clock = std::chrono::steady_clock;

  // `partitions`: of each domain that is watched, the number that its views have where no database
  // tells it. The parts are used by this alone, and outlive it.
  LogWatch(std::map<std::string, int, std::less<>> partitions, LogWatchParts parts);

  // Looks once, before anything else is asked: what is found wrong with settings now is refused
  // until it is put right. Throws Retryable when log or database do not answer.
  void start();
  // Looks again each minute, each two seconds while something is wrong, and when something seems to
  // be, until stopped.
  void run(const std::stop_token& stop);
  // As run() does it: what does not answer leaves what was known as it was.
  void look_again();

  // The rest: any thread.

  // What the database said last.
  [[nodiscard]] ViewStands stands() const;
  // Why nothing of the domain may be folded, for good.
  [[nodiscard]] std::optional<std::string> wrong_log(std::string_view domain) const;
  // The stream's partitions that must not be appended to, and why: they would give offsets out
  // again that views have folded.
  [[nodiscard]] std::map<Partition, std::string> lost_tails(std::string_view stream) const;
  // An append to the partition failed: the log may have come back without its tail.
  void doubt(std::string_view stream, Partition partition);
  // Those whose tails nobody has looked at since.
  [[nodiscard]] std::set<Partition> doubted(std::string_view stream) const;
  // Looks at a doubted one. Why it must not be appended to, as lost_tails(). Throws Retryable: it
  // stays doubted.
  [[nodiscard]] std::optional<std::string> look_at_tail(std::string_view stream,
                                                        Partition partition);
  // Of the domains that are not watched those whose streams had no record when they were looked at
  // last: where nobody projects them, nothing waits for that.
  [[nodiscard]] std::vector<std::string> empty_streams() const;
  // Whether damage hides the domain's stream.
  [[nodiscard]] bool unreadable(std::string_view domain) const;
  // Why no events of the domain may be taken now. A refusal has run() look again at once.
  [[nodiscard]] std::optional<std::string> refuses(std::string_view domain);
  // What an operator must know, a line each.
  [[nodiscard]] std::vector<std::string> troubles() const;

  // For tokens; see AppendedLog. Quick, but for the first record of a partition. Throws Corrupt
  // where the log has given out an offset again.
  [[nodiscard]] std::string short_form(std::string_view domain, Partition partition,
                                       Offset reached);
  // Has run() look at once.
  void look_soon();

 private:
  // A partition as this process knows it.
  struct Known {
    std::optional<LogIdentity> identity;
    Offset end;          // of what was found or appended
    bool asked = false;  // since the last look, though nothing may tell it
  };
  struct Watched {
    std::string stream;
    int partitions = 0;
    std::map<Partition, Known> known;
    std::map<Partition, Offset> stood;  // where the view did when last looked at
    std::optional<LogMismatch> wrong;
    std::optional<LogMismatch> changed;     // while this process ran: for good
    std::map<Partition, std::string> lost;  // what is wrong with those that lost their tails
    std::set<Partition> doubted;
    std::vector<SettingFault> faults;
    bool refused = false;  // for its settings
  };
  enum class When { at_start, later };

  void look(When when);
  [[nodiscard]] std::vector<std::string> domains() const;
  void look_at_stream(const std::string& domain, When when) SLUICE_REQUIRES(looking_);
  void look_at_others() SLUICE_REQUIRES(looking_);
  void cannot_read(const std::string& domain, const std::string& why);
  [[nodiscard]] std::optional<std::vector<SettingFault>> settings_of(const std::string& stream)
      SLUICE_REQUIRES(asking_);
  // `before_look`: as the partitions were known before the stream was looked at.
  void judge(const std::string& domain, Watched& watched,
             const std::map<Partition, Known>& before_look, const StreamSeen& seen)
      SLUICE_REQUIRES(mutex_);
  [[nodiscard]] const std::pair<const std::string, Watched>* of_stream(
      std::string_view stream) const SLUICE_REQUIRES(mutex_);
  [[nodiscard]] std::optional<std::string> judge_tail(const std::string& domain,
                                                      Partition partition, Offset before_look,
                                                      const LogRange& range)
      SLUICE_REQUIRES(mutex_);
  [[nodiscard]] static std::set<Partition> set_back(const ViewStand& stand, Watched& watched);
  [[nodiscard]] bool is_wrong() const SLUICE_REQUIRES(mutex_);
  static void judge_settings(Watched& watched, const std::vector<SettingFault>& faults, When when);
  [[nodiscard]] static const LogMismatch* wrong_of(const Watched& watched);

  const LogWatchParts parts_;
  // Of the parts, which are for one thread at a time; in this order. Only looks read views: one
  // that waits for the database holds up nobody who asks the log.
  Mutex looking_;
  Mutex asking_;
  bool settings_closed_ SLUICE_GUARDED_BY(asking_) = false;  // said that they may not be read
  mutable Mutex mutex_;
  ConditionVariable woken_;
  bool soon_ SLUICE_GUARDED_BY(mutex_) = false;
  ViewStands stands_ SLUICE_GUARDED_BY(mutex_);
  std::map<std::string, Watched, std::less<>> watched_ SLUICE_GUARDED_BY(mutex_);
  std::vector<std::string> empty_ SLUICE_GUARDED_BY(mutex_);  // domains that are not watched
};

}  // namespace sluice

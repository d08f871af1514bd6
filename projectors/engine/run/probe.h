#pragma once

// What an operator wants to know of projectors. Shared by threads; every function may be called by
// any.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/fold/recorded_times.h"
#include "projectors/engine/run/partition_counts.h"
#include "projectors/engine/run/watched_worker.h"
#include "storage/base/mutex.h"
#include "storage/base/position.h"
#include "storage/refusals.h"

namespace sluice {

class Probe {
 public:
  using Clock = std::chrono::steady_clock;

  // `clock` tells since when workers do what they do.
  explicit Probe(std::function<Clock::time_point()> clock = Clock::now)
      : clock_(std::move(clock)) {}

  struct Totals {
    std::uint64_t folded = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t quarantined = 0;
    std::uint64_t flushes = 0;
    std::uint64_t rows_flushed = 0;
    std::uint64_t retries = 0;
    std::uint64_t fenced = 0;
    std::chrono::nanoseconds flushing{0};
    std::map<std::string, std::uint64_t, std::less<>> rejected;  // by reason
    std::map<std::string, std::string> stopped;                  // why, by "deliberation:3"
  };

  // What a flush has made visible. Borrowed.
  struct Flush {
    std::uint64_t records = 0;  // folded, whatever came of them
    std::uint64_t folded = 0;   // of these, facts that the rules were given
    std::uint64_t duplicates = 0;
    std::uint64_t quarantined = 0;
    std::optional<Offset> last_quarantined = {};  // the position of the last of these
    std::uint64_t beyond_limit = 0;  // of these, without their bytes: too much waits under the key
    std::uint64_t changed_rows = 0;  // of all tables, published or not
    std::span<const Rejection> rejections;
    const PartitionCounts::ByName& rows;  // by published table
    const RecordedTimes& recorded;        // when those folded were
    Time committed_at;
    const HotKeys& keys;  // of the records folded lately
  };

  // Of a partition, as all that follows: "deliberation:3". Once a flush or a batch.
  void flushed(const std::string& partition, const Flush& flush);
  void flush_took(const std::string& partition, std::chrono::nanoseconds took);
  void batch_took(const std::string& partition, std::chrono::nanoseconds took);
  void fenced(const std::string& partition);
  void rebalanced(const std::string& partition);
  void taken(const std::string& partition, const Recovery& began);
  void recovering(const std::string& partition, const Recovery& began);
  [[nodiscard]] std::map<std::string, PartitionCounts> counts() const;

  void retried();
  // Why something stands still, for people, until it runs again.
  void stopped(const std::string& what, const std::string& why);
  void running(const std::string& what);
  [[nodiscard]] Totals totals() const;

  // By a worker of itself, under its name: at its beginning; at the end of each turn; before each
  // phase that may take long; when its partitions changed, and at each beat; at its end.
  void began(const std::string& worker, std::string_view projection, int generation,
             const std::string& session);
  void shown(const std::string& worker, bool live);  // whether readers see its generation
  void turned(const std::string& worker);
  void begins(const std::string& worker, WorkerPhase phase,
              std::optional<Partition> partition = std::nullopt);
  void holds(const std::string& worker, std::vector<HeldPartition> held);
  void moved(const std::string& worker, const HeldPartition& held);  // one of these
  void ended(const std::string& worker);
  [[nodiscard]] std::map<std::string, WatchedWorker> workers() const;

  // What was found out beside a worker about one of its partitions ("deliberation:3").
  struct Found {
    Offset log_end;           // where its reader does not hear of it
    std::string log_trouble;  // why the log does not give its records; "": it does
    std::string lock;         // what its last flush waited for, until one goes through
  };
  void heard_of_log(const std::string& partition, Offset end, const std::string& trouble);
  void waits_for(const std::string& partition, const std::string& lock);
  void flush_passed(const std::string& partition);  // by its worker
  [[nodiscard]] Found found(const std::string& partition) const;

 private:
  const std::function<Clock::time_point()> clock_;
  mutable Mutex mutex_;  // taken a few times a turn, never an event
  Totals totals_ SLUICE_GUARDED_BY(mutex_);
  std::map<std::string, PartitionCounts> counts_ SLUICE_GUARDED_BY(mutex_);  // by "deliberation:3"
  std::map<std::string, WatchedWorker> workers_ SLUICE_GUARDED_BY(mutex_);
  std::map<std::string, Found> found_ SLUICE_GUARDED_BY(mutex_);  // by "deliberation:3"
};

}  // namespace sluice

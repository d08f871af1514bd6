#pragma once

// What an operator wants to know of projectors. Shared by threads; every function may be called by
// any.

#include <chrono>
#include <cstddef>
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

  // What a worker may be long in: each is the name of a phase of its turn, for people.
  enum class Phase { joining, reading, folding, claiming, flushing, ticking, beating, answering };

  // A partition that a worker has, as it last told.
  struct Held {
    Partition partition = {};
    std::string owner = {};    // the claim's; "": none was begun
    std::string trouble = {};  // what the heartbeat said last
    Offset log_end = {};
    bool fetched = false;  // its reader hears of the log's end; false: it is held back, or stopped
    std::optional<Offset> position = {};  // the view's; nullopt: it was not claimed yet
    std::optional<Offset> folded = {};  // what comes next, shown or not; nullopt: nothing is folded
    std::size_t dirty_rows = 0;
    std::size_t dirty_bytes = 0;
    std::size_t row_bytes = 0;  // the dirty ones included
    std::size_t dedupe_bytes = 0;
    std::optional<Time> oldest = {};       // when the log got the oldest record that the view lacks
    std::optional<Time> complete_at = {};  // up to then the view lacked none that the log had
  };
  // A worker as threads beside it see it: one that waits for something can say nothing itself.
  struct Watched {
    std::string projection;
    int generation = 0;
    bool live = true;                    // readers see the generation
    std::string session;                 // the name of its sink's session
    Clock::time_point turned;            // when its last turn ended
    Phase phase = Phase::joining;        // what it is in now
    Clock::time_point since;             // when that began
    std::optional<Partition> partition;  // which the phase is about
    std::vector<Held> held;
  };

  // By a worker of itself, under its name: at its beginning; at the end of each turn; before each
  // phase that may take long; when its partitions changed, and at each beat; at its end.
  void began(const std::string& worker, std::string_view projection, int generation,
             const std::string& session);
  void shown(const std::string& worker, bool live);  // whether readers see its generation
  void turned(const std::string& worker);
  void begins(const std::string& worker, Phase phase,
              std::optional<Partition> partition = std::nullopt);
  void holds(const std::string& worker, std::vector<Held> held);
  void moved(const std::string& worker, const Held& held);  // one of these
  void ended(const std::string& worker);
  [[nodiscard]] std::map<std::string, Watched> workers() const;

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
  std::map<std::string, Watched> workers_ SLUICE_GUARDED_BY(mutex_);
  std::map<std::string, Found> found_ SLUICE_GUARDED_BY(mutex_);  // by "deliberation:3"
};

// How long the log, which ends at `log_end`, has had the oldest record that the view lacks; 0: it
// lacks none. nullopt: not known.
[[nodiscard]] std::optional<std::chrono::milliseconds> freshness(const Probe::Held& held,
                                                                 Offset log_end, Time now);

// "the flush of deliberation:3".
[[nodiscard]] std::string words_for(const Probe::Watched& worker);

}  // namespace sluice

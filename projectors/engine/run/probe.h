#pragma once

// What an operator wants to know of projectors. Shared by threads; every function may be called by
// any.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/base/position.h"

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

  void flushed(std::uint64_t events, std::uint64_t duplicates, std::uint64_t rows);
  void flush_took(std::chrono::nanoseconds took);
  void rejected(std::string_view reason);
  void quarantined(std::uint64_t records);
  void retried();
  void fenced();

  // Why something stands still, for people, until it runs again.
  void stopped(const std::string& what, const std::string& why);
  void running(const std::string& what);
  [[nodiscard]] Totals totals() const;

  // What a worker may be long in: each is the name of a phase of its turn, for people.
  enum class Phase { joining, reading, folding, claiming, flushing, ticking, beating };

  // A partition that a worker has, as it last told.
  struct Held {
    Partition partition;
    std::string owner;    // the claim's; "": none was begun
    std::string trouble;  // what the heartbeat said last
    Offset log_end;
    bool fetched = false;  // its reader hears of the log's end; false: it is held back, or stopped
  };
  // A worker as threads beside it see it: one that waits for something can say nothing itself.
  struct Watched {
    std::string projection;
    int generation = 0;
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
  void turned(const std::string& worker);
  void begins(const std::string& worker, Phase phase,
              std::optional<Partition> partition = std::nullopt);
  void holds(const std::string& worker, std::vector<Held> held);
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
  std::map<std::string, Watched> workers_ SLUICE_GUARDED_BY(mutex_);
  std::map<std::string, Found> found_ SLUICE_GUARDED_BY(mutex_);  // by "deliberation:3"
};

// "the flush of deliberation:3".
[[nodiscard]] std::string words_for(const Probe::Watched& worker);

}  // namespace sluice

#pragma once

// What an operator wants to know of projectors. Shared by threads; every function may be called by
// any.

#include <chrono>
#include <cstddef>
#include <cstdint>
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

  // A partition that a worker has.
  struct Held {
    Partition partition;
    std::string owner;  // as whom it was last claimed; "": not yet
    Offset log_end;
    bool taken = false;    // folded, and flushed, by that owner
    bool stopped = false;  // for good
  };
  // A worker as others see it, who cannot ask a thread that waits for something.
  struct Watched {
    std::string projection;
    int generation = 0;
    int session = 0;           // of its database: the server's process; 0: unknown
    Clock::time_point turned;  // when its last turn ended
    std::string doing;         // "flushing deliberation:3"; "": nothing that may take long
    std::optional<Partition> partition;  // of what it does
    std::vector<Held> held;
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

  // By a worker, of itself: at the end of each turn; before what may take long; when its partitions
  // changed, and once a second; when it has another session; at its end.
  void turned(const std::string& worker, Clock::time_point now);
  void begins(const std::string& worker, std::string doing, Partition partition);
  void holds(const std::string& worker, std::string_view projection, int generation,
             std::vector<Held> held);
  void session(const std::string& worker, int session);
  void ended(const std::string& worker);

  // Found out by others who look: what a partition's worker waits for, until it says that it does
  // no more; where its log ends, which a reader that holds it back does not hear.
  void waits(const std::string& partition, const std::string& for_what);
  void waits_no_more(const std::string& partition);
  void log_end(const std::string& partition, Offset end);
  struct Found {
    std::string waits_for;
    Offset log_end;
  };
  [[nodiscard]] Found found(const std::string& partition) const;

  [[nodiscard]] Totals totals() const;
  [[nodiscard]] std::map<std::string, Watched> workers() const;

 private:
  mutable Mutex mutex_;  // taken a few times a turn, never an event
  Totals totals_ SLUICE_GUARDED_BY(mutex_);
  std::map<std::string, Watched> workers_ SLUICE_GUARDED_BY(mutex_);
  std::map<std::string, Found> found_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice

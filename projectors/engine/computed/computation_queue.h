#pragma once

// Which computation is begun next. Pure: the time is an argument, and nothing is computed here.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "storage/base/position.h"

namespace sluice {

struct ComputationPace {
  // From one start to the next of the same key: at least this, and at least so many times what the
  // last one took.
  std::chrono::milliseconds interval_min{1000};
  int interval_times = 10;
  // While less than one part in so many of its input has changed, which no reader would see, it
  // waits for more: so many times the least interval.
  std::uint64_t parts_of_much = 100;
  int little_times = 5;
  // After one that failed; doubled each time.
  std::chrono::milliseconds longest_backoff{60'000};
  // Keys of one partition that are held here; those beyond wait in its state.
  std::size_t keys_max = 4096;
};

// One at a time a key. Of those that may begin, the one whose wait is longest in proportion to its
// cost (highest response ratio next): small ones first, and large ones the sooner the longer they
// wait. Used under its owner's lock.
class ComputationQueue {
 public:
  using Clock = std::chrono::steady_clock;
  struct Key {
    std::uint64_t partition;  // any number that is not used again
    std::string name;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  explicit ComputationQueue(ComputationPace pace) : pace_(pace) {}

  // What a key is computed from.
  struct Input {
    Offset changed_at;  // the position of the last change
    std::uint64_t size = 0;
    // How much of it has changed so far, in the unit of `size`; nullopt: every change is much.
    std::optional<std::uint64_t> changes = std::nullopt;
  };
  // False when there are too many keys: offer it again when there are fewer.
  bool offer(const Key& key, const Input& input, Clock::time_point now);
  // It is not to be begun until it is offered again.
  void withdraw(const Key& key);
  // While it does, keys of the partition may begin as soon as they are due, whatever their pace;
  // one that failed waits as ever.
  void hurry(std::uint64_t partition, bool hurries);
  // Forgets all of the partition's, the running too.
  void drop(std::uint64_t partition);

  // Takes the next; `running` from then on. None: nothing is due that may begin.
  std::optional<Key> begin(Clock::time_point now);
  // What is running computes from the state at this position.
  void reads(const Key& key, Offset as_of);
  // It is over, and took this much of somebody's time; due again if its input has changed
  // meanwhile.
  void ended(const Key& key, std::chrono::nanoseconds took);
  // It came to nothing, and is due as before.
  void failed(const Key& key, Clock::time_point now);

  // When the next may begin, if nothing changes; max(): nothing is due.
  [[nodiscard]] Clock::time_point next_begin() const;
  // Whether the partition's keys are few enough for many more.
  [[nodiscard]] bool has_room(std::uint64_t partition, Clock::time_point now);

  struct Count {
    std::size_t due = 0;  // and not running
    std::size_t running = 0;
    std::size_t failing = 0;        // due or running, and failed when last tried
    Clock::duration oldest_due{0};  // since it could have begun
  };
  [[nodiscard]] Count count(Clock::time_point now) const;
  [[nodiscard]] Count count(std::uint64_t partition, Clock::time_point now) const;

 private:
  struct Entry {
    Input input;
    Offset as_of;                    // of the last one begun
    std::uint64_t changes_read = 0;  // by the last one begun
    bool offered = false;
    bool running = false;
    bool hurries = false;
    int failures = 0;
    Clock::time_point begun_at;
    Clock::time_point paced;           // not before, however much has changed
    Clock::time_point since;           // due since, or to become due at
    std::chrono::nanoseconds took{0};  // the last one; 0: none was

    [[nodiscard]] bool due() const { return offered && !running; }
    [[nodiscard]] double cost() const;
  };

  using Entries = std::map<Key, Entry>;
  [[nodiscard]] static Count count(Entries::const_iterator begin, Entries::const_iterator end,
                                   Clock::time_point now);
  // From when on it may begin, by its pace and by what has changed since it last began.
  [[nodiscard]] Clock::time_point may_begin(const Entry& entry) const;
  void sweep(Clock::time_point now);

  const ComputationPace pace_;
  Entries entries_;
  std::map<std::uint64_t, std::size_t> keys_;  // by partition
  std::set<std::uint64_t> hurried_;            // partitions
  Clock::time_point next_sweep_;
};

}  // namespace sluice

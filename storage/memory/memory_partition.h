#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/base/position.h"
#include "storage/log_topology.h"

namespace sluice {

// One partition of a MemoryLog. A record stays where it is in memory until it is lost, so what a
// reader borrowed survives appends.
class MemoryPartition {
 public:
  struct Stored {
    Offset offset;
    Time appended_at;
    std::size_t key_size;
    std::string bytes;  // key, then value
    bool stamped_by_log = true;

    [[nodiscard]] std::string_view key() const {
      return std::string_view(bytes).substr(0, key_size);
    }
    [[nodiscard]] std::string_view value() const {
      return std::string_view(bytes).substr(key_size);
    }
  };
  using Records = std::deque<Stored>;

  [[nodiscard]] LogRange range() const { return {begin_, end_}; }
  [[nodiscard]] const Records& records() const { return records_; }
  // The index in records() of the first record at `position` or after it.
  [[nodiscard]] std::size_t index_of(Offset position) const;

  struct Stamp {
    Time at;
    bool by_log = true;
  };
  Offset append(std::string_view key, std::string_view value, Stamp stamp);

  void lose_tail(std::size_t count);
  void lose_front(Offset begin);
  void repeat_tail(std::size_t count, Stamp stamp);
  void skip_offsets(std::int64_t count) { end_.value += count; }
  // Readers get only records before it; nullopt: all.
  void hold_back(std::optional<Offset> from) { held_back_ = from; }
  // So many records readers get.
  [[nodiscard]] std::size_t readable() const {
    return held_back_ ? index_of(*held_back_) : records_.size();
  }

 private:
  Offset begin_{0};
  Offset end_{0};
  Records records_;
  std::optional<Offset> held_back_;
};

struct MemoryStream {
  Mutex mutex;
  std::string name;  // fixed
  std::vector<MemoryPartition> partitions SLUICE_GUARDED_BY(mutex);
  std::set<Partition> leaderless SLUICE_GUARDED_BY(mutex);  // partitions that take nothing
  int incarnation SLUICE_GUARDED_BY(mutex) = 0;  // one more each time that it is made anew
};

}  // namespace sluice

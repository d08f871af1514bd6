#pragma once

#include <string>
#include <vector>

#include "storage/embedded/embedded_log.h"
#include "storage/event_log.h"

namespace sluice {

// Made by EmbeddedLog::reader().
class EmbeddedReader final : public EventReader {
 public:
  EmbeddedReader(EmbeddedLog& log, const embedded::Stream& stream,
                 std::vector<Partition> partitions, Ownership& ownership);

  std::span<const LogRecord> poll(std::chrono::milliseconds timeout) override;
  void seek(Partition partition, Offset position) override;
  void pause(Partition partition, bool paused) override;
  bool caught_up(Partition partition) override;
  Offset end(Partition partition) override;
  // There is no tool of the log's own to show it to.
  void show_progress(std::span<const PartitionProgress>) override {}

 private:
  struct Held {
    Partition partition;
    Offset position;
    Offset taken{0};  // by this poll; the position once nothing of it can fail any more
    Offset end{0};    // as of this poll
    bool ends_sound = true;
    bool paused = false;
    bool unreadable = false;  // told, and not sought since
  };

  void acquire();
  bool look_for_records(std::chrono::milliseconds timeout);
  void take(Held& held);
  void tell_of_lost_end(Held& held);
  void move_on();
  void borrow_from_bytes();
  [[nodiscard]] bool full() const;
  Held& held(Partition partition);

  EmbeddedLog& log_;
  const embedded::Stream& stream_;
  Ownership& ownership_;
  std::vector<Partition> to_acquire_;  // the next one last
  std::vector<Held> held_;
  std::size_t first_ = 0;  // where the next poll begins, so that no partition starves
  std::string bytes_;      // of the records taken: each one's key, then its value
  std::vector<LogRecord> taken_;
};

}  // namespace sluice

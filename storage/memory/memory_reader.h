#pragma once

#include <atomic>
#include <vector>

#include "storage/event_log.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_partition.h"

namespace sluice {

// Made by MemoryLog::reader().
class MemoryReader final : public EventReader {
 public:
  MemoryReader(MemoryStream& stream, const MemoryAssignment& assigned, Ownership& ownership,
               const std::atomic<bool>& away, std::size_t poll_records);

  std::span<const LogRecord> poll(std::chrono::milliseconds timeout) override;
  void seek(Partition partition, Offset position) override;
  void pause(Partition partition, bool paused) override;
  bool caught_up(Partition partition) override;
  Offset end(Partition partition) override;
  void show_progress(std::span<const PartitionProgress>) override {}

 private:
  struct Held {
    Partition partition;
    Offset position;
    bool paused = false;
    bool out_of_range = false;
  };

  void follow_assignment();
  void take(Held& held) SLUICE_REQUIRES(stream_.mutex);
  void require_assignable(Partition partition);
  bool has_more(const Held& held);
  Held& held(Partition partition);

  MemoryStream& stream_;
  const MemoryAssignment& assigned_;
  Ownership& ownership_;
  const std::atomic<bool>& away_;
  const std::size_t poll_records_;
  std::vector<Held> held_;
  std::size_t first_ = 0;  // where the next poll begins, so that no partition starves
  std::vector<LogRecord> taken_;
};

}  // namespace sluice

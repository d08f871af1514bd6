#include "storage/memory/memory_reader.h"

#include <algorithm>

#include "storage/base/check.h"
#include "storage/base/errors.h"

namespace sluice {

MemoryReader::MemoryReader(MemoryStream& stream, const MemoryAssignment& assigned,
                           Ownership& ownership, const std::atomic<bool>& away,
                           std::size_t poll_records)
    : stream_(stream),
      assigned_(assigned),
      ownership_(ownership),
      away_(away),
      poll_records_(poll_records) {}

std::span<const LogRecord> MemoryReader::poll(std::chrono::milliseconds) {
  taken_.clear();
  if (away_) throw Retryable("the log is away");
  follow_assignment();
  const MutexLock lock(stream_.mutex);
  for (std::size_t i = 0; i < held_.size() && taken_.size() < poll_records_; ++i) {
    take(held_[(first_ + i) % held_.size()]);
  }
  ++first_;
  return taken_;
}

void MemoryReader::seek(Partition partition, Offset position) {
  Held& found = held(partition);
  found.position = position;
  found.out_of_range = false;
  taken_.clear();
}

void MemoryReader::pause(Partition partition, bool paused) { held(partition).paused = paused; }

bool MemoryReader::caught_up(Partition partition) {
  const Held& found = held(partition);
  return !found.paused && !found.out_of_range && !has_more(found);
}

Offset MemoryReader::end(Partition partition) {
  const Held& found = held(partition);
  const bool more = has_more(found);
  const MutexLock lock(stream_.mutex);
  const MemoryPartition& read = stream_.partitions[static_cast<std::size_t>(found.partition.value)];
  const bool held_back = read.readable() < read.records().size();
  return more || held_back ? read.range().end : found.position;
}

bool MemoryReader::has_more(const Held& held) {
  const MutexLock lock(stream_.mutex);
  const MemoryPartition& partition =
      stream_.partitions[static_cast<std::size_t>(held.partition.value)];
  const LogRange range = partition.range();
  if (held.position < range.begin || held.position > range.end) return true;
  return partition.index_of(held.position) < partition.readable();
}

void MemoryReader::follow_assignment() {
  const auto& wanted = assigned_.partitions;
  for (std::size_t i = 0; i < held_.size();) {
    const Partition partition = held_[i].partition;
    if (std::find(wanted.begin(), wanted.end(), partition) != wanted.end()) {
      ++i;
      continue;
    }
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
    ownership_.lost(partition);
  }
  for (const Partition partition : wanted) {
    const auto same = [&](const Held& h) { return h.partition == partition; };
    if (std::any_of(held_.begin(), held_.end(), same)) continue;
    require_assignable(partition);
    // Held only once acquired() returns: what throws there is asked again by the next poll.
    const Offset position = ownership_.acquired(partition);
    held_.push_back({partition, position});
  }
}

void MemoryReader::require_assignable(Partition partition) {
  const MutexLock lock(stream_.mutex);
  const bool there =
      partition.value >= 0 && static_cast<std::size_t>(partition.value) < stream_.partitions.size();
  CHECK(there, "only partitions that the stream has are assigned");
}

void MemoryReader::take(Held& held) {
  if (held.paused || held.out_of_range) return;
  const MemoryPartition& partition =
      stream_.partitions[static_cast<std::size_t>(held.partition.value)];
  const LogRange range = partition.range();
  if (held.position == range.end) return;
  if (held.position < range.begin || held.position > range.end) {
    // Others' records of this poll are dropped with it, so their positions must not have moved.
    if (!taken_.empty()) return;
    held.out_of_range = true;
    throw Unreadable(held.partition, Unreadable::Cause::no_position,
                     "partition " + std::to_string(held.partition.value) + " of " + stream_.name +
                         " holds [" + std::to_string(range.begin.value) + ", " +
                         std::to_string(range.end.value) + "), not position " +
                         std::to_string(held.position.value));
  }
  const auto& records = partition.records();
  std::size_t i = partition.index_of(held.position);
  for (; i < partition.readable() && taken_.size() < poll_records_; ++i) {
    const auto& r = records[i];
    taken_.push_back(
        {held.partition, r.offset, r.appended_at, r.key(), r.value(), r.stamped_by_log});
    // Not on to the end, which may lie behind offsets that no record has.
    held.position = r.offset.next();
  }
}

MemoryReader::Held& MemoryReader::held(Partition partition) {
  const auto found = std::find_if(held_.begin(), held_.end(),
                                  [&](const Held& h) { return h.partition == partition; });
  CHECK(found != held_.end(), "a reader is asked only about partitions that it has");
  return *found;
}

}  // namespace sluice

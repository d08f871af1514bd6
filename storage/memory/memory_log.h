#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/event_log.h"
#include "storage/log_topology.h"
#include "storage/memory/memory_partition.h"

namespace sluice {

// Which partitions a reader has. The reader looks at it in each poll, so a partition is moved from
// one reader to another by changing two of these; a reader that is not polled does not notice.
struct MemoryAssignment {
  std::vector<Partition> partitions;
};

// A log in memory, with the faults that a log can have on demand. Writers and readers may be on
// different threads, each on one; it must outlive them. poll() never waits, whatever its timeout:
// the test moves time.
class MemoryLog final : public LogTopology {
 public:
  // Stamps records; asked once an append. It may go back, as a broker's clock may.
  using Clock = std::function<Time()>;
  explicit MemoryLog(Clock clock) : clock_(std::move(clock)) {}

  std::optional<int> partitions(std::string_view stream) override;
  void create(std::string_view stream, int partitions) override;
  LogRange range(std::string_view stream, Partition partition) override;
  std::string name() override { return name_; }
  // Told by the first record, as Kafka's is: none while the partition is empty or has lost it.
  std::optional<LogIdentity> identity(std::string_view stream, Partition partition) override;

  std::unique_ptr<EventWriter> writer();

  // Everything that the partition holds; valid until it changes.
  [[nodiscard]] const MemoryPartition::Records& records(std::string_view stream,
                                                        Partition partition);

  // `assigned` and `ownership` must outlive the reader, and are used on the thread that polls.
  // poll() throws Corrupt when a position has fallen out of the partition's range; that partition
  // yields nothing more until seek(), others go on. Throws Misconfigured when there is no such
  // stream.
  std::unique_ptr<EventReader> reader(std::string_view stream, const MemoryAssignment& assigned,
                                      Ownership& ownership);
  std::unique_ptr<EventReader> reader(std::string_view, const MemoryAssignment&&,
                                      Ownership&) = delete;

  // At most so many records a poll, of readers made from now on.
  void set_poll_records(std::size_t records) { poll_records_ = records; }

  // Faults. They invalidate what readers have borrowed of lost records.

  // The next append takes the first `kept` of its records and then throws Retryable: 0 fails before
  // it took effect, all of them (any large number) after.
  void fail_next_append(std::size_t kept) { failing_append_ = kept; }
  // The stream takes no larger record; `told`: largest_record() of a writer says so.
  void set_record_limit(std::size_t bytes, bool told) {
    record_limit_told_ = told;
    record_limit_ = bytes;
  }
  // Takes no records while it has none, as other partitions do.
  void set_leaderless(std::string_view stream, Partition partition, bool leaderless);
  // While away, appends, polls and questions throw Retryable.
  void set_away(bool away) { away_ = away; }
  // The newest records are gone, and their offsets will be given out again.
  void lose_tail(std::string_view stream, Partition partition, std::size_t records);
  // Retention: everything before `begin` is gone.
  void lose_front(std::string_view stream, Partition partition, Offset begin);
  // Another log from now on, as if it stood in the other's place.
  void set_name(std::string name) { name_ = std::move(name); }
  // Deleted and made again: empty, from offset 0.
  void recreate(std::string_view stream);
  // Deleted. No reader of it is alive.
  void remove(std::string_view stream);
  // One more partition, empty: keys would move.
  void add_partition(std::string_view stream);
  // The newest records stand there a second time, under new offsets.
  void repeat_tail(std::string_view stream, Partition partition, std::size_t records);
  // Producers stamp what is appended from now on, this much off; nullopt: the log stamps it again.
  void let_producers_stamp(std::optional<std::chrono::milliseconds> off) { producers_off_ = off; }
  // A transaction was opened there and is not ended; nullopt: it is.
  void hold_back(std::string_view stream, Partition partition, std::optional<Offset> from);
  // The next record's offset leaves out so many, as Kafka's do behind transactions.
  void skip_offsets(std::string_view stream, Partition partition, std::int64_t offsets);

 private:
  friend class MemoryWriter;

  void require_present() const;
  MemoryStream& stream(std::string_view name);
  [[nodiscard]] MemoryPartition::Stamp stamp() const;
  void append(std::string_view stream, std::span<NewRecord> records, bool gaps);
  [[nodiscard]] std::shared_ptr<const AppendFailure> failure_of(const NewRecord& record,
                                                                const MemoryStream& stream) const
      SLUICE_REQUIRES(stream.mutex);
  template <class Change>
  void change(std::string_view stream, Partition partition, Change&& change);

  const Clock clock_;
  std::string name_ = "memory";
  std::size_t poll_records_ = 1000;
  std::atomic<bool> away_ = false;
  std::optional<std::size_t> failing_append_;
  std::optional<std::chrono::milliseconds> producers_off_;
  std::atomic<std::size_t> record_limit_ = kNoRecordLimit;
  std::atomic<bool> record_limit_told_ = true;
  Mutex mutex_;  // before that of a stream
  // Elements stay where they are.
  std::map<std::string, MemoryStream, std::less<>> streams_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice

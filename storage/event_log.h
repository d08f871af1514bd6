#pragma once

// The log: streams of records, each stream cut into partitions that are appended to at the end and
// read in order. Technologies: memory/, embedded/, kafka/. tests/contract has the suite that all
// pass.

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "storage/base/errors.h"
#include "storage/base/position.h"

namespace sluice {

struct NewRecord {
  Partition partition;
  std::string_view key;
  std::string_view value;
  Offset offset{-1};  // set by append()
};

// Used by one thread at a time.
class EventWriter {
 public:
  virtual ~EventWriter() = default;

  // Appends `records` to `stream`, those of one partition in the order given, and returns when the
  // log holds all of them durably; each offset is set then. Has a deadline of its own.
  // Throws Retryable when the log is away, full or slow: of each partition a prefix may have been
  // appended, and nothing behind a record that failed, now or later. Misconfigured: no such stream.
  virtual void append(std::string_view stream, std::span<NewRecord> records) = 0;
};

// One record as read. Borrowed: key and value are valid until the next poll().
struct LogRecord {
  Partition partition;
  Offset offset;
  Time appended_at;
  std::string_view key;
  std::string_view value;
  // False: `appended_at` is what the record's producer claims, which proves nothing.
  bool stamped_by_log = true;
};

// Told which partitions a reader has. Called inside poll(), on the thread that polls.
class Ownership {
 public:
  virtual ~Ownership() = default;

  // The partition is ours from now on. Returns the position to read from. What it throws leaves
  // poll().
  virtual Offset acquired(Partition partition) = 0;

  // The partition is no longer ours, or about to be: nothing of it may be changed after this.
  virtual void lost(Partition partition) = 0;
};

// Thrown by poll(), once: the partition yields nothing more until seek(); others go on.
class Unreadable : public Corrupt {
 public:
  enum class Cause {
    no_position,  // the log has not, or no longer, what it was read from, or was made anew
    damage,       // it has, and the bytes are not sound
  };
  Unreadable(Partition partition, Cause cause, const std::string& what)
      : Corrupt(what), partition_(partition), cause_(cause) {}
  [[nodiscard]] Partition partition() const { return partition_; }
  [[nodiscard]] Cause cause() const { return cause_; }

 private:
  Partition partition_;
  Cause cause_;
};

struct PartitionProgress {
  Partition partition;
  Offset position;
};

// One member of the group of readers that share a stream's partitions. Used by one thread.
class EventReader {
 public:
  virtual ~EventReader() = default;

  // Waits up to `timeout` for records. Tells Ownership of changes first. Those of one partition
  // come in order and none is left out, though a log may leave out offsets: transaction markers,
  // aborted records and what was compacted away. Readers see only what is durable. May return none.
  // The span and what it points to are valid until the next call of poll() or seek().
  virtual std::span<const LogRecord> poll(std::chrono::milliseconds timeout) = 0;

  // Reads the partition (which is ours) from here on.
  virtual void seek(Partition partition, Offset position) = 0;

  // While paused a partition yields no records; the reader stays a member and keeps its partitions.
  virtual void pause(Partition partition, bool paused) = 0;

  // Whether poll() has returned every record of the partition that can be read, as far as the
  // reader knows now. Offsets cannot tell: behind the last record there may be some that no reader
  // ever gets. False while paused, behind an Unreadable, and after seek() until it is known anew.
  [[nodiscard]] virtual bool caught_up(Partition partition) = 0;

  // For display: what a position is behind by is this less the position. The offset that poll() is
  // at, where it has caught up and nothing is held back from it; else the durable end of the
  // partition as last heard of, which counts the records of a transaction that is still open.
  virtual Offset end(Partition partition) = 0;

  // Shows the group's progress to the log's own tools: where each of these partitions stands. Best
  // effort; nothing ever reads it back.
  virtual void show_progress(std::span<const PartitionProgress> progress) = 0;
};

}  // namespace sluice

#pragma once

// The log: streams of records, each stream cut into partitions that are appended to at the end and
// read in order. Technologies: memory/, embedded/, kafka/. tests/contract has the suite that all
// pass.

#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "storage/base/errors.h"
#include "storage/base/position.h"

namespace sluice {

// Why a record is not known to be in the log.
struct AppendFailure {
  enum class Kind {
    too_large,     // not in the log: the stream takes no record of this size
    not_appended,  // not in the log: another try may succeed
    unknown,       // perhaps in the log
  };
  Kind kind;
  std::string reason;     // for the log line: which partition, what is wrong
  std::size_t limit = 0;  // of too_large: the most bytes of key and value, where that is known
};

struct NewRecord {
  Partition partition;
  std::string_view key;
  std::string_view value;
  // Set by appending, one of the two. Records that fail together share one failure.
  Offset offset{-1};
  std::shared_ptr<const AppendFailure> failure = nullptr;
};

// Used by one thread at a time. Appends records to a stream, those of one partition in the order
// given, and returns when it is settled what became of each. Has a deadline of its own.
class EventWriter {
 public:
  virtual ~EventWriter() = default;

  // All or throw, for who must leave no gap: of each partition a prefix is appended, and nothing
  // behind a record that failed reaches the log, now or later, but by another call.
  // Throws Retryable when the log is away, full or slow. Misconfigured: no such stream, or it does
  // not take a record of this size.
  void append(std::string_view stream, std::span<NewRecord> records);

  // Each record by itself: has an offset or a failure, whatever becomes of the others.
  // Throws Retryable when the log as a whole is away: each record may be in the log or not.
  // Misconfigured: no such stream.
  void try_append(std::string_view stream, std::span<NewRecord> records);

  // The most bytes of key and value that a record of this stream may have, as far as is known
  // without an append. Throws nothing: a log that is away has no limit.
  virtual std::size_t largest_record(std::string_view stream) = 0;

 protected:
  enum class Gaps {
    forbidden,  // as append() has it; may throw or set failures
    allowed,    // as try_append() has it
  };
  virtual void write(std::string_view stream, std::span<NewRecord> records, Gaps gaps) = 0;
};

constexpr std::size_t kNoRecordLimit = std::numeric_limits<std::size_t>::max();

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

#pragma once

#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/base/recent_times.h"
#include "storage/base/steadied_clock.h"
#include "storage/embedded/embedded_stream.h"
#include "storage/embedded/log_clock.h"
#include "storage/event_log.h"
#include "storage/log_topology.h"

namespace sluice {

namespace embedded {
class Records;
}  // namespace embedded

// A log in a folder of this machine. One process owns it; its threads append and read side by side,
// each with a writer or reader of its own, which must not outlive the log. Appends that wait at the
// same time share one fsync. Readers see a record once it is durable.
class EmbeddedLog final : public LogTopology {
 public:
  struct Config {
    std::size_t bytes = std::size_t{64} << 20;  // of memory, for everything
    // What records are stamped with (log_clock.h), never earlier than the partition's last.
    SteadiedClock::Wall clock = SteadiedClock::system_wall;
    SteadiedClock::Steady steady = SteadiedClock::system_steady;
  };

  // Owns the folder, which is made if there is none. Throws Misconfigured when somebody else owns
  // it. Damage is no reason to throw: it stops the partitions whose records or whose ends cannot be
  // read, each where it is asked about, and others go on. Where it is such that not even the
  // streams are known, every question and append throws Corrupt.
  static std::unique_ptr<EmbeddedLog> open(const std::filesystem::path& directory, Config config);

  // Looks into a folder that another process may own, and follows what that one writes whenever it
  // is asked for a range or polled. It may show what is not durable yet, which a crash of the
  // machine can take back. It cannot create or append (Misconfigured).
  static std::unique_ptr<EmbeddedLog> open_secondary(const std::filesystem::path& directory,
                                                     Config config);
  ~EmbeddedLog() override;

  std::optional<int> partitions(std::string_view stream) override;
  void create(std::string_view stream, int partitions) override;
  // Throws Corrupt where it cannot be told: which file is damaged, and what to do.
  LogRange range(std::string_view stream, Partition partition) override;
  // Random, made with the log and stored in it. Of one that was made by a version without: given
  // to it when its owner opens it; empty before.
  std::string name() override;
  // The log's own, whichever the partition.
  std::optional<LogIdentity> identity(std::string_view stream, Partition partition) override;

  // What records are stamped with. Any thread.
  [[nodiscard]] embedded::LogClock& clock() { return clock_; }
  // Why nothing can be appended now, since the last write failed; empty: it can. While there are
  // readers it is tried again each second, whether or not anybody appends. Any thread.
  [[nodiscard]] std::string trouble() const;
  // For people: that damage took records from its middle; empty: it did not. Any thread.
  [[nodiscard]] std::string gaps_advice() const;
  // Of memory, of the number given. Any thread.
  [[nodiscard]] std::uint64_t used_bytes();
  // How long appends lately took until they were durable. Any thread.
  [[nodiscard]] RecentTimes::Seen append_times() const { return append_times_.seen(); }

  // Copies what is durable into a folder that does not exist yet, which can then be opened as a log
  // with the same identity. Files are hard links where that goes. All or nothing.
  // Retryable: the disk is full, or fails; Misconfigured: it is only looked into. Any thread.
  void back_up(const std::filesystem::path& folder);

  // Its appends wait for the disk without a limit of time. Where one fails (Retryable), whatever
  // was written of it is found when the log is opened again, which the next append does by itself.
  // Records of a partition whose end is not known for sure fail, those beside them do not.
  std::unique_ptr<EventWriter> writer();

  // Has these partitions from its first poll on, for good. poll() throws Unreadable when a position
  // lies outside of the partition, or once it has returned all that lies before damage.
  std::unique_ptr<EventReader> reader(std::string_view stream, std::vector<Partition> partitions,
                                      Ownership& ownership);

 private:
  friend class EmbeddedWriter;
  friend class EmbeddedReader;

  EmbeddedLog(const std::filesystem::path& directory, Config config, bool secondary);
  struct Append;

  embedded::Stream& stream(std::string_view name);
  void append(std::string_view stream, std::span<NewRecord> records);
  void commit(std::span<Append* const> group, bool reopen_first);
  // What it failed with; null: it did not.
  std::exception_ptr put_stream(std::string_view name, const embedded::StreamEntry& entry);
  void write(std::span<Append* const> group);
  void publish(std::span<Append* const> group) SLUICE_REQUIRES(mutex_);
  void load() SLUICE_REQUIRES(mutex_) SLUICE_REQUIRES_SHARED(access_);
  void list_streams(const std::filesystem::path& directory) SLUICE_REQUIRES(mutex_);
  // As stored. Damaged when it lies before what is published.
  embedded::Tail stored_tail(const embedded::Stream& stream, std::size_t partition)
      SLUICE_REQUIRES(mutex_) SLUICE_REQUIRES_SHARED(access_);
  // Throws Corrupt where nothing of the log can be told.
  void require_usable() const;
  void reopen();
  // For readers: where an append has failed, opens the log again as the next one would, now and
  // then. What it meets is the next append's to tell.
  void recover();
  void catch_up();

  // For readers. True when `something`, asked under mutex_, came to hold within the timeout.
  bool wait_until(const std::function<bool()>& something, std::chrono::milliseconds timeout);
  embedded::Tail tail(const embedded::Stream& stream, Partition partition);
  // The damage that it met, for people; nullopt: none.
  std::optional<std::string> read(const embedded::Stream& stream, Partition partition, Offset from,
                                  Offset end, const std::function<bool(const LogRecord&)>& take);

  const std::filesystem::path directory_;
  const Config config_;
  const bool secondary_;
  embedded::LogClock clock_;
  RecentTimes append_times_;

  // Written alone while the log is opened again; before mutex_.
  SharedMutex access_;
  std::unique_ptr<embedded::Records> records_ SLUICE_GUARDED_BY(access_);  // null: that failed
  std::string unusable_;  // why nothing of it can be told; fixed when opened

  mutable Mutex mutex_;
  ConditionVariable committed_;
  ConditionVariable appended_;
  std::optional<LogIdentity> identity_ SLUICE_GUARDED_BY(mutex_);
  // Elements stay where they are. Their ends are guarded, too, but for those that the committing
  // thread has written.
  std::map<std::string, embedded::Stream, std::less<>> streams_ SLUICE_GUARDED_BY(mutex_);
  std::vector<Append*> waiting_ SLUICE_GUARDED_BY(mutex_);
  // One of the waiting writes for all of them, or create() does.
  bool committing_ SLUICE_GUARDED_BY(mutex_) = false;
  // Of the last write; not null: nothing is appended before the log has been opened again.
  std::exception_ptr failure_ SLUICE_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point next_recovery_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice

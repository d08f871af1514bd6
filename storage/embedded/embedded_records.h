#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/log_identity.h"
#include "storage/embedded/embedded_format.h"
#include "storage/embedded/lost_ends.h"
#include "storage/event_log.h"

namespace sluice::embedded {

// The RocksDB below an EmbeddedLog: what is stored, and nothing about who waits for whom. Any
// thread.
class Records {
 public:
  enum class As { primary, secondary };
  Records(const std::filesystem::path& directory, As as, std::size_t bytes);
  ~Records();

  // Secondary: sees what the primary has written by now.
  void catch_up();

  // Where their block is damaged they are read from the list beside the database.
  void for_each_stream(const std::function<void(std::string_view, const StreamEntry&)>& see);
  // nullopt: made by a version that gave none.
  [[nodiscard]] std::optional<LogIdentity> identity();
  // Durable when they return.
  void put_identity(const LogIdentity& identity);
  void put_stream(std::string_view name, const StreamEntry& entry);

  // Where the last record's block is damaged the table files tell where it ends; where they do not,
  // the tail says so.
  [[nodiscard]] Tail tail(StreamId stream, Partition partition);

  // Durable, all or nothing, when it returns.
  void append(rocksdb::WriteBatch& batch);

  // From `from` on up to `end`, until `take` returns false. What it is given is valid during the
  // call. Returns the damage that it met, an offset that is missing among it; nullopt: none.
  [[nodiscard]] std::optional<Damage> read(StreamId stream, Partition partition, Offset from,
                                           Offset end,
                                           const std::function<bool(const LogRecord&)>& take);

  // Copies what is appended into a folder that does not exist yet; files are linked where they can
  // be.
  void checkpoint(const std::filesystem::path& directory);

  // Of memory, in cache and memtables.
  [[nodiscard]] std::uint64_t used_bytes() const;

 private:
  class Merges;

  [[nodiscard]] Tail last_record(StreamId stream, Partition partition);
  [[nodiscard]] Tail end_behind_damage(StreamId stream, Partition partition, std::string what);
  // The first offset in (from, end) whose record can be read; `end`: there is none.
  [[nodiscard]] Offset next_sound(StreamId stream, Partition partition, Offset from, Offset end);
  [[nodiscard]] bool is_sound(StreamId stream, Partition partition, Offset offset);
  void stop_merging();
  void write_again();
  [[nodiscard]] std::string damage_text(const rocksdb::Status& status);
  [[nodiscard]] std::string doing(std::string_view action) const;

  const std::string directory_;
  const As as_;
  std::filesystem::path scratch_;  // of a secondary: its own info log
  std::shared_ptr<Merges> merges_;
  std::optional<LostEnds> lost_ends_;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace sluice::embedded

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

  void for_each_stream(const std::function<void(std::string_view, const StreamEntry&)>& see);
  // nullopt: made by a version that gave none.
  [[nodiscard]] std::optional<LogIdentity> identity();
  // Durable when they return.
  void put_identity(const LogIdentity& identity);
  void put_stream(std::string_view name, const StreamEntry& entry);

  [[nodiscard]] Tail tail(StreamId stream, Partition partition);

  // Durable, all or nothing, when it returns.
  void append(rocksdb::WriteBatch& batch);

  // From `from` on up to `end`, until `take` returns false. What it is given is valid during the
  // call. Throws Corrupt when an offset is missing.
  void read(StreamId stream, Partition partition, Offset from, Offset end,
            const std::function<bool(const LogRecord&)>& take);

 private:
  [[nodiscard]] std::string doing(std::string_view action) const;

  const std::string directory_;
  std::filesystem::path scratch_;  // of a secondary: its own info log
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace sluice::embedded

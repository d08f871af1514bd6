#pragma once

#include <filesystem>
#include <memory>

#include "storage/rocksdb/rocks_resources.h"
#include "storage/state_store.h"

namespace sluice {

// One RocksDB for one partition's state. What is written survives the process (kill -9) with
// KeptThrough::kill, and an orderly end in either case; a machine's crash loses a tail.
class RocksStateStore final : public StateStore {
 public:
  enum class KeptThrough {
    kill,     // given to the operating system before write() returns: a log, without an fsync each
    shutdown  // kept in memtables until they are full: cheaper, and replayed after a crash
  };

  // Makes the folder if there is none. Throws Misconfigured when another store, of this process or
  // another, has it open; Corrupt when it cannot be trusted.
  RocksStateStore(const std::filesystem::path& directory, const RocksResources& resources,
                  KeptThrough kept = KeptThrough::kill);
  ~RocksStateStore() override;

  bool get(std::string_view key, std::string& value) override;
  std::unique_ptr<StateCursor> scan(std::string_view from, std::string_view to) override;
  std::unique_ptr<StateSnapshot> snapshot() override;
  void write(const StateBatch& batch) override;
  void clear() override;

  // Begins to write to files what is in memory, without waiting, so that a checkpoint soon after
  // has little left to write. Whether that goes on.
  void begin_flush();
  [[nodiscard]] bool flushing();

  // Copies the state as it is into a folder that does not exist yet, which can be opened as a
  // store. Files are hard links where the file system allows: cheap.
  void checkpoint(const std::filesystem::path& directory);

  // Has the state that checkpoint() made, whose folder, on the same file system, takes the place of
  // this one's. A crash leaves the one, the other, or an empty state. No snapshot or cursor may be
  // left. Throws as the constructor; then it can only be destroyed.
  void replace(const std::filesystem::path& checkpoint);

 private:
  void open();
  void close();

  struct Database;
  std::unique_ptr<Database> db_;
};

}  // namespace sluice

#include "storage/rocksdb/rocks_state_store.h"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <system_error>

#include "storage/base/crash_point.h"
#include "storage/base/errors.h"
#include "storage/rocksdb/manifest_note.h"
#include "storage/rocksdb/open_stores.h"
#include "storage/rocksdb/rocks_cursor.h"
#include "storage/rocksdb/rocks_status.h"
#include "storage/rocksdb/sealed_log_sync.h"

namespace sluice {
namespace {

// Handed to the disk as it comes, so that the sync at a log's end has little left to do.
constexpr std::uint64_t kLogBytesOnTheirWay = std::uint64_t{1} << 20;

// A batch of more than this gives its memory back.
constexpr std::size_t kKeptBatch = std::size_t{1} << 20;
constexpr std::size_t kChangeBytes = 1 + 2 * 5;  // a type and two lengths, at the most

class RocksSnapshot final : public StateSnapshot {
 public:
  explicit RocksSnapshot(rocksdb::DB& db) : db_(db), at_(db.GetSnapshot()) {}
  ~RocksSnapshot() override { db_.ReleaseSnapshot(at_); }
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;
  [[nodiscard]] std::unique_ptr<StateCursor> scan(std::string_view from,
                                                  std::string_view to) const override {
    return std::make_unique<RocksCursor>(db_, from, to, at_);
  }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* const at_;
};

}  // namespace

struct RocksStateStore::Database {
  [[nodiscard]] std::string doing(std::string_view action) const {
    return std::string(action).append(" state in ").append(directory);
  }

  std::string directory;
  rocksdb::Options options;
  rocksdb::WriteOptions write;
  std::shared_ptr<SealedLogSync> logs;  // null without a log
  std::shared_ptr<OpenStores> among;
  std::unique_ptr<rocksdb::DB> rocks;
  rocksdb::WriteBatch batch;     // reused
  rocksdb::PinnableSlice value;  // reused
};

RocksStateStore::RocksStateStore(const std::filesystem::path& directory,
                                 const RocksResources& resources, KeptThrough kept)
    : db_(std::make_unique<Database>()) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed)
    throw Misconfigured("cannot make the folder " + directory.string() + ": " + failed.message());
  db_->directory = directory.string();
  db_->options = resources.options();
  db_->write.disableWAL = kept == KeptThrough::shutdown;
  db_->among = resources.open_stores();
  open();
}

RocksStateStore::~RocksStateStore() { close(); }

void RocksStateStore::open() {
  rocksdb::Options options = db_->options;
  if (!db_->write.disableWAL) {
    db_->logs = std::make_shared<SealedLogSync>();
    options.listeners.push_back(db_->logs);
    options.track_and_verify_wals_in_manifest = true;
    options.wal_bytes_per_sync = kLogBytesOnTheirWay;
  }
  const auto manifest = std::make_shared<ManifestNote>(db_->directory);
  options.listeners.push_back(manifest);
  manifest->require_whole();
  rocksdb::DB* opened = nullptr;
  check(rocksdb::DB::Open(options, db_->directory, &opened), db_->doing("open"));
  db_->rocks.reset(opened);
  if (db_->logs) db_->logs->watch(*opened);
  manifest->write();
  db_->among->add(*db_->rocks);
}

// RocksDB flushes on its way out what only memtables hold.
void RocksStateStore::close() {
  if (!db_->rocks) return;
  db_->among->remove(*db_->rocks);
  db_->value.Reset();
  db_->rocks.reset();
}

bool RocksStateStore::get(std::string_view key, std::string& value) {
  rocksdb::DB& rocks = *db_->rocks;
  const rocksdb::Status status =
      rocks.Get(rocksdb::ReadOptions(), rocks.DefaultColumnFamily(), key, &db_->value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) check_state(status, db_->doing("read"));
  value.assign(db_->value.data(), db_->value.size());
  db_->value.Reset();
  return true;
}

std::unique_ptr<StateCursor> RocksStateStore::scan(std::string_view from, std::string_view to) {
  return std::make_unique<RocksCursor>(*db_->rocks, from, to);
}

std::unique_ptr<StateSnapshot> RocksStateStore::snapshot() {
  return std::make_unique<RocksSnapshot>(*db_->rocks);
}

void RocksStateStore::write(const StateBatch& batch) {
  if (db_->logs && db_->logs->failed()) throw Retryable(db_->doing("sync the log of"));
  const std::size_t size = batch.bytes() + kChangeBytes * batch.size();
  rocksdb::WriteBatch large(size > kKeptBatch ? size : 0);
  rocksdb::WriteBatch& rows = size > kKeptBatch ? large : db_->batch;
  rows.Clear();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const StateBatch::Change change = batch.change(i);
    rocksdb::Status status;
    switch (change.kind) {
      case StateBatch::Kind::put:
        status = rows.Put(change.key, change.value);
        break;
      case StateBatch::Kind::erase:
        status = rows.Delete(change.key);
        break;
      case StateBatch::Kind::erase_range:
        if (change.key >= change.value) break;  // empty, which RocksDB would refuse
        status = rows.DeleteRange(change.key, change.value);
        break;
    }
    if (!status.ok()) check_state(status, db_->doing("change"));
  }
  check_state(db_->rocks->Write(db_->write, &rows), db_->doing("write"));
}

void RocksStateStore::clear() {
  rocksdb::DB& rocks = *db_->rocks;
  std::string last;
  {
    const std::unique_ptr<rocksdb::Iterator> at(rocks.NewIterator({}));
    at->SeekToLast();
    check_state(at->status(), db_->doing("clear"));
    if (!at->Valid()) return;
    last = at->key().ToString();
  }
  rocksdb::WriteBatch all;
  check_state(all.DeleteRange({}, last), db_->doing("clear"));
  check_state(all.Delete(last), db_->doing("clear"));
  check_state(rocks.Write(db_->write, &all), db_->doing("clear"));
  // The tombstone is on disk before any file goes: a crash in between finds nothing of the old
  // state.
  check_state(rocks.Flush({}), db_->doing("clear"));
  check_state(rocksdb::DeleteFilesInRange(&rocks, rocks.DefaultColumnFamily(), nullptr, nullptr),
              db_->doing("clear"));
}

// What was here is gone before the other comes: in between there is no state, which is true.
void RocksStateStore::replace(const std::filesystem::path& checkpoint) {
  close();
  const std::filesystem::path directory = db_->directory;
  const std::filesystem::path gone = db_->directory + ".gone";
  std::error_code failed;
  std::filesystem::remove_all(gone, failed);
  if (!failed) std::filesystem::rename(directory, gone, failed);
  if (!failed) crash_point(CrashPoint("claim.state_removed"));
  if (!failed) std::filesystem::rename(checkpoint, directory, failed);
  if (failed) throw Retryable(db_->doing("replace") + ": " + failed.message());
  open();
  std::filesystem::remove_all(gone, failed);
}

void RocksStateStore::begin_flush() {
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  check_state(db_->rocks->Flush(options), db_->doing("flush"));
}

bool RocksStateStore::flushing() {
  std::uint64_t pending = 0;
  std::uint64_t running = 0;
  db_->rocks->GetIntProperty(rocksdb::DB::Properties::kMemTableFlushPending, &pending);
  db_->rocks->GetIntProperty(rocksdb::DB::Properties::kNumRunningFlushes, &running);
  return pending + running > 0;
}

void RocksStateStore::checkpoint(const std::filesystem::path& directory) {
  rocksdb::Checkpoint* made = nullptr;
  check_state(rocksdb::Checkpoint::Create(db_->rocks.get(), &made), db_->doing("checkpoint"));
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  check_state(checkpoint->CreateCheckpoint(directory.string()), db_->doing("checkpoint"));
}

}  // namespace sluice

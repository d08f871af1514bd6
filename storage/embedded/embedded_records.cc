#include "storage/embedded/embedded_records.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <system_error>

#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/rocksdb/rocks_log.h"
#include "storage/rocksdb/rocks_status.h"

namespace sluice::embedded {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

bool supported(rocksdb::CompressionType type) {
  const auto all = rocksdb::GetSupportedCompressions();
  return std::find(all.begin(), all.end(), type) != all.end();
}

// Nothing is ever overwritten or erased, and a partition's keys only ascend.
rocksdb::Options append_only(std::size_t bytes) {
  rocksdb::Options options;
  options.create_if_missing = true;
  const auto cache = rocksdb::NewLRUCache(bytes, 2);
  options.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(bytes / 2, cache);
  options.write_buffer_size = std::clamp(bytes / 8, kMiB, 64 * kMiB);
  options.max_write_buffer_number = 3;
  options.max_background_jobs = 2;
  // One group is written at a time, each partition's records behind its last.
  options.allow_concurrent_memtable_write = false;
  options.memtable_insert_with_hint_prefix_extractor.reset(
      rocksdb::NewFixedPrefixTransform(kPartitionPrefixSize));
  // Merges runs of like size and no others: there is no garbage to make it worth while.
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.compaction_options_universal.max_size_amplification_percent =
      std::numeric_limits<unsigned>::max();
  options.level0_file_num_compaction_trigger = 8;
  options.compression =
      supported(rocksdb::kLZ4Compression) ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 64 << 10;  // read in order
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // A torn last write was never acknowledged; damage before it is damage, and is said.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;

  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = rocks_log();
  return options;
}

std::filesystem::path make_scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "sluice-log-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw Misconfigured("cannot make a folder like " + name);
  return name;
}

}  // namespace

Records::Records(const std::filesystem::path& directory, As as, std::size_t bytes)
    : directory_(directory.string()) {
  rocksdb::Options options = append_only(bytes);
  rocksdb::DB* opened = nullptr;
  if (as == As::secondary) {
    if (!std::filesystem::exists(directory / "CURRENT")) {
      throw Misconfigured("there is no log in " + directory_);
    }
    options.max_open_files = -1;  // files that the primary has merged away stay readable
    scratch_ = make_scratch();
    check(rocksdb::DB::OpenAsSecondary(options, directory_, scratch_.string(), &opened),
          doing("open"));
  } else {
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    if (failed) throw Misconfigured("make " + directory_ + ": " + failed.message());
    check(rocksdb::DB::Open(options, directory_, &opened), doing("open"));
  }
  db_.reset(opened);
}

Records::~Records() {
  db_.reset();
  std::error_code ignored;  // a leftover in the system's temporary folder
  if (!scratch_.empty()) std::filesystem::remove_all(scratch_, ignored);
}

void Records::catch_up() { check(db_->TryCatchUpWithPrimary(), doing("follow")); }

void Records::for_each_stream(
    const std::function<void(std::string_view, const StreamEntry&)>& see) {
  const std::string end(1, kRecordTag);
  const rocksdb::Slice bound(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    const std::string_view name = at->key().ToStringView().substr(1);
    const auto entry = parse_stream(at->value().ToStringView());
    if (!entry) throw Corrupt(doing("make out a stream of"));
    see(name, *entry);
  }
  check(at->status(), doing("list streams of"));
}

std::optional<LogIdentity> Records::identity() {
  std::string stored;
  const rocksdb::Status found =
      db_->Get(rocksdb::ReadOptions(), std::string(1, kIdentityTag), &stored);
  if (found.IsNotFound()) return std::nullopt;
  check(found, doing("read the identity of"));
  const auto identity = parse_identity(stored);
  if (!identity) throw Corrupt(doing("make out the identity of"));
  return identity;
}

void Records::put_identity(const LogIdentity& identity) {
  rocksdb::WriteBatch batch;
  check(batch.Put(std::string(1, kIdentityTag), identity.text), doing("put an identity into"));
  append(batch);
}

void Records::put_stream(std::string_view name, const StreamEntry& entry) {
  rocksdb::WriteBatch batch;
  check(batch.Put(stream_key(name), stream_value(entry)), doing("make a stream in"));
  append(batch);
}

Tail Records::tail(StreamId stream, Partition partition) {
  const std::string first = record_key(stream, partition, Offset{0});
  const rocksdb::Slice bound(first);
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
  at->SeekForPrev(record_key(stream, partition, Offset{std::numeric_limits<std::int64_t>::max()}));
  check(at->status(), doing("find the end of"));
  if (!at->Valid()) return {};
  const auto record = parse_record(at->value().ToStringView());
  if (!record) throw Corrupt(doing("make out the last record of"));
  return {offset_of(at->key().ToStringView()).next(), record->appended_at};
}

void Records::append(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions durable;
  durable.sync = true;
  check(db_->Write(durable, &batch), doing("append to"));
}

void Records::read(StreamId stream, Partition partition, Offset from, Offset end,
                   const std::function<bool(const LogRecord&)>& take) {
  const std::string last = record_key(stream, partition, end);
  const rocksdb::Slice bound(last);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
  Offset expected = from;
  for (at->Seek(record_key(stream, partition, from)); at->Valid(); at->Next()) {
    const auto record = parse_record(at->value().ToStringView());
    if (!record || offset_of(at->key().ToStringView()) != expected) break;
    if (!take({partition, expected, record->appended_at, record->key, record->value})) return;
    expected = expected.next();
  }
  check(at->status(), doing("read"));
  if (expected != end) {
    throw Corrupt(doing("read") + ": partition " + std::to_string(partition.value) +
                  " has no sound record at " + std::to_string(expected.value));
  }
}

std::string Records::doing(std::string_view action) const {
  return std::string(action).append(" the log in ").append(directory_);
}

}  // namespace sluice::embedded

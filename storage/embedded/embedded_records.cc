#include "storage/embedded/embedded_records.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_buffer_manager.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>

#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/embedded/lost_ends.h"
#include "storage/embedded/one_partition_blocks.h"
#include "storage/embedded/stream_list.h"
#include "storage/embedded/table_ends.h"
#include "storage/embedded/write_ahead_log.h"
#include "storage/rocksdb/manifest_note.h"
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
  // A thread that cannot be started while others open files would end the process.
  options.max_file_opening_threads = 1;
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
  // A block is read for its own records only, never to learn that it has none.
  table.flush_block_policy_factory = one_partition_blocks();
  table.index_type = rocksdb::BlockBasedTableOptions::kBinarySearchWithFirstKey;
  table.index_shortening = rocksdb::BlockBasedTableOptions::IndexShorteningMode::kNoShortening;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // A torn last write was never acknowledged; damage before it is damage, and is said.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;

  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = rocks_log();
  options.table_properties_collector_factories.push_back(table_ends());
  // A damaged file keeps those who read it from what it has, and no start and no append of others.
  options.paranoid_checks = false;
  return options;
}

// What is stored cannot be read, now or later. A disk tells of a dead sector by EIO.
bool is_damage(const rocksdb::Status& status) {
  return status.IsCorruption() || status.IsPathNotFound() ||
         (status.IsIOError() && status.ToString().find("Input/output error") != std::string::npos);
}

// RocksDB would make a new database in the place of one whose file CURRENT is gone, and delete the
// files of that.
void require_current(const std::filesystem::path& directory) {
  if (std::filesystem::exists(directory / "CURRENT")) return;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("MANIFEST-") && entry.path().extension() != ".sst") continue;
    throw Corrupt("the file CURRENT of the log in " + directory.string() +
                  " is gone, and others are there, such as " + name);
  }
}

std::filesystem::path make_scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "sluice-log-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw Misconfigured("cannot make a folder like " + name + " (" + std::strerror(errno) +
                        "): set TMPDIR to one that has room");
  }
  return name;
}

}  // namespace

// A merge that meets damage fails, is tried again at once, and leaves files to pile up until
// RocksDB stops all writes. Without merges there is no such bound.
class Records::Merges final : public rocksdb::EventListener {
 public:
  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo& info) override {
    if (is_damage(info.status)) failed_ = true;
  }
  // Once.
  [[nodiscard]] bool take_failed() { return failed_.exchange(false); }

 private:
  std::atomic<bool> failed_ = false;
};

Records::Records(const std::filesystem::path& directory, As as, std::size_t bytes)
    : directory_(directory.string()), as_(as), merges_(std::make_shared<Merges>()) {
  rocksdb::Options options = append_only(bytes);
  rocksdb::DB* opened = nullptr;
  if (as == As::secondary) {
    if (!std::filesystem::exists(directory / "CURRENT")) {
      throw Misconfigured("there is no log in " + directory_ +
                          ": give --data the folder of `sluice up`");
    }
    options.max_open_files = -1;  // files that the primary has merged away stay readable
    scratch_ = make_scratch();
    check(rocksdb::DB::OpenAsSecondary(options, directory_, scratch_.string(), &opened),
          doing("open"));
  } else {
    options.listeners.push_back(merges_);
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    if (failed)
      throw Misconfigured("cannot make the folder " + directory_ + ": " + failed.message());
    require_current(directory);
    const auto manifest = std::make_shared<ManifestNote>(directory);
    options.listeners.push_back(manifest);
    manifest->require_whole();
    note_write_ahead_damage(directory);
    check(rocksdb::DB::Open(options, directory_, &opened), doing("open"));
    manifest->write();
  }
  db_.reset(opened);
  lost_ends_ = read_lost_ends(directory);
  if (as == As::primary) write_again();
}

Records::~Records() {
  db_.reset();
  std::error_code ignored;  // a leftover in the system's temporary folder
  if (!scratch_.empty()) std::filesystem::remove_all(scratch_, ignored);
}

std::uint64_t Records::used_bytes() const {
  std::uint64_t bytes = 0;
  return db_->GetIntProperty(rocksdb::DB::Properties::kBlockCacheUsage, &bytes) ? bytes : 0;
}

void Records::catch_up() { check(db_->TryCatchUpWithPrimary(), doing("follow")); }

void Records::for_each_stream(
    const std::function<void(std::string_view, const StreamEntry&)>& see) {
  StreamList list;
  const std::string end(1, kRecordTag);
  const rocksdb::Slice bound(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    const auto entry = parse_stream(at->value().ToStringView());
    if (!entry) throw Corrupt(doing("make out a stream of"));
    list.streams.emplace(at->key().ToStringView().substr(1), *entry);
  }
  if (is_damage(at->status())) {
    const auto kept = read_stream_list(directory_);
    if (!kept) throw Corrupt(doing("list streams of") + ": " + damage_text(at->status()));
    list = *kept;
  }
  check(is_damage(at->status()) ? rocksdb::Status() : at->status(), doing("list streams of"));
  for (const auto& [name, entry] : list.streams) see(name, entry);
}

std::optional<LogIdentity> Records::identity() {
  std::string stored;
  const rocksdb::Status found =
      db_->Get(rocksdb::ReadOptions(), std::string(1, kIdentityTag), &stored);
  if (found.IsNotFound()) return std::nullopt;
  if (is_damage(found)) {
    if (const auto kept = read_stream_list(directory_); kept && kept->identity)
      return kept->identity;
  }
  check(found, doing("read the identity of"));
  std::optional<LogIdentity> identity = parse_identity(stored);
  if (!identity) throw Corrupt(doing("make out the identity of"));
  return identity;
}

void Records::checkpoint(const std::filesystem::path& directory) {
  const std::string action = doing("copy to " + directory.string() + ", of");
  rocksdb::Checkpoint* made = nullptr;
  check(rocksdb::Checkpoint::Create(db_.get(), &made), action);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  check(checkpoint->CreateCheckpoint(directory.string()), action);
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
  Tail found = last_record(stream, partition);
  if (found.damage.empty() && lost_ends_ && lost_ends_->has(stream, partition)) {
    found.damage = lost_ends_->what +
                   ": what was appended last may be lost, and to go on without " +
                   "it is to delete " + lost_ends_file(directory_).string();
  }
  return found;
}

Tail Records::last_record(StreamId stream, Partition partition) {
  const std::string first = record_key(stream, partition, Offset{0});
  const rocksdb::Slice bound(first);
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
  at->SeekForPrev(record_key(stream, partition, Offset{std::numeric_limits<std::int64_t>::max()}));
  if (is_damage(at->status()))
    return end_behind_damage(stream, partition, damage_text(at->status()));
  check(at->status(), doing("find the end of"));
  if (!at->Valid()) return {};
  const auto record = parse_record(at->value().ToStringView());
  const Offset end = offset_of(at->key().ToStringView()).next();
  if (!record) return {.next = end, .damage = "its last record cannot be made out"};
  return {end, record->appended_at, {}};
}

// Before anything else is appended: what is set aside keeps the offsets that it had.
void Records::write_again() {
  bool any = false;
  for_each_batch_set_aside(directory_, [&](rocksdb::WriteBatch& batch) {
    append(batch);
    any = true;
  });
  if (any) check(db_->Flush(rocksdb::FlushOptions()), doing("write tables of"));
  finish_files_set_aside(directory_);
}

// An owner has just opened it, and all that is stored is in tables.
Tail Records::end_behind_damage(StreamId stream, Partition partition, std::string what) {
  const auto ends = ends_in_tables(*db_);
  if (!ends) return {.damage = std::move(what), .readable = false};
  const auto end = ends->find({stream, partition});
  return end == ends->end() ? Tail{} : end->second;
}

// Where a file cannot be opened RocksDB does not always say which.
std::string Records::damage_text(const rocksdb::Status& status) {
  std::string text = status.ToString();
  if (text.find(".sst") != std::string::npos) return text;
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  for (const auto& file : files) {
    const std::string path = directory_ + "/" + file.relative_filename;
    rocksdb::SstFileReader reader{rocksdb::Options()};
    if (is_damage(reader.Open(path))) return text + " in " + path;
  }
  return text;
}

void Records::append(rocksdb::WriteBatch& batch) {
  if (merges_->take_failed()) stop_merging();
  rocksdb::WriteOptions durable;
  durable.sync = true;
  check(db_->Write(durable, &batch), doing("append to"));
}

void Records::stop_merging() {
  if (as_ == As::secondary) return;
  check(db_->SetOptions({{"disable_auto_compactions", "true"}}), doing("stop merging files of"));
}

std::optional<Damage> Records::read(StreamId stream, Partition partition, Offset from, Offset end,
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
    if (!take({partition, expected, record->appended_at, record->key, record->value})) return {};
    expected = expected.next();
  }
  if (expected == end) return {};
  if (!is_damage(at->status())) check(at->status(), doing("read"));
  stop_merging();
  const std::string what = at->status().ok() ? "no sound record" : damage_text(at->status());
  return Damage{expected, next_sound(stream, partition, expected, end), what};
}

// Some blocks further it is most often sound again: looked for in ever larger steps, then exactly.
Offset Records::next_sound(StreamId stream, Partition partition, Offset from, Offset end) {
  std::int64_t bad = from.value;
  std::int64_t sound = end.value;
  for (std::int64_t step = 1; bad + step < end.value; step *= 2) {
    if (is_sound(stream, partition, Offset{bad + step})) {
      sound = bad + step;
      break;
    }
    bad += step;
  }
  while (sound - bad > 1) {
    const std::int64_t middle = bad + (sound - bad) / 2;
    (is_sound(stream, partition, Offset{middle}) ? sound : bad) = middle;
  }
  return Offset{sound};
}

bool Records::is_sound(StreamId stream, Partition partition, Offset offset) {
  const std::string key = record_key(stream, partition, offset);
  std::string value;
  return db_->Get(rocksdb::ReadOptions(), key, &value).ok() && parse_record(value).has_value();
}

std::string Records::doing(std::string_view action) const {
  return std::string(action).append(" the log in ").append(directory_);
}

}  // namespace sluice::embedded

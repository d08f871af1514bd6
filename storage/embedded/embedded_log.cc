#include "storage/embedded/embedded_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/embedded/embedded_reader.h"
#include "storage/embedded/embedded_records.h"
#include "storage/embedded/lost_ends.h"
#include "storage/embedded/stream_list.h"
#include "storage/rocksdb/rocks_status.h"

namespace sluice {
namespace {

// How often a secondary looks while it waits; nothing can wake it.
constexpr std::chrono::milliseconds kSecondaryLooks{10};

}  // namespace

std::string EmbeddedLog::trouble() const {
  std::exception_ptr failure;
  {
    const MutexLock lock(mutex_);
    failure = failure_;
  }
  if (!failure) return {};
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return std::string("the log takes no records, and is tried again each second: ") + error.what();
  }
}

std::string EmbeddedLog::gaps_advice() const { return embedded::gaps_advice(directory_); }

std::unique_ptr<EmbeddedLog> EmbeddedLog::open(const std::filesystem::path& directory,
                                               Config config) {
  return std::unique_ptr<EmbeddedLog>(new EmbeddedLog(directory, std::move(config), false));
}

std::unique_ptr<EmbeddedLog> EmbeddedLog::open_secondary(const std::filesystem::path& directory,
                                                         Config config) {
  return std::unique_ptr<EmbeddedLog>(new EmbeddedLog(directory, std::move(config), true));
}

EmbeddedLog::EmbeddedLog(const std::filesystem::path& directory, Config config, bool secondary)
    : directory_(directory),
      config_(std::move(config)),
      secondary_(secondary),
      clock_(config_.clock, config_.steady) {
  using embedded::Records;
  try {
    records_ = std::make_unique<Records>(
        directory_, secondary ? Records::As::secondary : Records::As::primary, config_.bytes);
    if (!secondary && !records_->identity()) records_->put_identity(random_identity());
    load();
    if (!secondary) list_streams(directory_);
    const std::string gaps = secondary ? "" : gaps_advice();
    if (!gaps.empty()) spdlog::error("log damaged advice=\"{}\"", gaps);
  } catch (const Corrupt& damage) {
    if (secondary) throw;
    records_.reset();
    unusable_ = std::string(damage.what()) + ": " + embedded::to_restore(directory_);
    spdlog::error("log damaged folder={} error=\"{}\"", directory_.string(), unusable_);
  }
}

EmbeddedLog::~EmbeddedLog() = default;

void EmbeddedLog::require_usable() const {
  if (!unusable_.empty()) throw Corrupt(unusable_);
}

std::optional<int> EmbeddedLog::partitions(std::string_view name) {
  require_usable();
  if (secondary_) catch_up();
  const MutexLock lock(mutex_);
  const auto found = streams_.find(name);
  if (found == streams_.end()) return std::nullopt;
  return found->second.entry.partitions;
}

void EmbeddedLog::create(std::string_view name, int partitions) {
  if (secondary_) throw Misconfigured("a log that is only looked into takes no streams");
  if (partitions < 1) throw Misconfigured("a stream has at least one partition");
  require_usable();
  MutexLock lock(mutex_);
  committed_.wait(lock, [this]() SLUICE_REQUIRES(mutex_) { return !committing_; });
  if (const auto found = streams_.find(name); found != streams_.end()) {
    const int has = found->second.entry.partitions;
    if (has == partitions) return;
    throw Misconfigured("stream " + std::string(name) + " has " + std::to_string(has) +
                        " partitions, not " + std::to_string(partitions));
  }
  if (failure_) throw Retryable("the log has failed: append, which opens it again");
  embedded::StreamId id;
  for (const auto& [other, stream] : streams_) {
    id.value = std::max(id.value, stream.entry.id.value + 1);
  }
  const embedded::StreamEntry entry{id, partitions};
  committing_ = true;
  lock.unlock();
  const std::exception_ptr failure = put_stream(name, entry);
  lock.lock();
  committing_ = false;
  failure_ = failure;
  committed_.notify_all();
  if (failure) std::rethrow_exception(failure);
  const std::vector<embedded::Tail> empty(static_cast<std::size_t>(partitions));
  streams_.emplace(name, embedded::Stream{std::string(name), entry, empty, empty});
  list_streams(directory_);
}

std::exception_ptr EmbeddedLog::put_stream(std::string_view name,
                                           const embedded::StreamEntry& entry) {
  const ReadLock access(access_);
  try {
    records_->put_stream(name, entry);
  } catch (const std::exception&) {
    return std::current_exception();
  }
  return nullptr;
}

LogRange EmbeddedLog::range(std::string_view name, Partition partition) {
  if (secondary_) catch_up();
  embedded::Stream& found = stream(name);
  const std::size_t index = found.index(partition);
  const MutexLock lock(mutex_);
  const embedded::Tail& tail = found.durable[index];
  if (!tail.readable) throw Corrupt(tail.damage);
  return {Offset{0}, tail.next};
}

std::string EmbeddedLog::name() {
  if (secondary_) catch_up();
  const MutexLock lock(mutex_);
  return identity_ ? identity_->text : "";
}

std::optional<LogIdentity> EmbeddedLog::identity(std::string_view name, Partition partition) {
  if (secondary_) catch_up();
  static_cast<void>(stream(name).index(partition));
  const MutexLock lock(mutex_);
  return identity_;
}

std::uint64_t EmbeddedLog::used_bytes() {
  const ReadLock access(access_);
  return records_ ? records_->used_bytes() : 0;
}

std::unique_ptr<EventReader> EmbeddedLog::reader(std::string_view name,
                                                 std::vector<Partition> partitions,
                                                 Ownership& ownership) {
  if (secondary_) catch_up();
  embedded::Stream& found = stream(name);
  for (const Partition partition : partitions) static_cast<void>(found.index(partition));
  return std::make_unique<EmbeddedReader>(*this, found, std::move(partitions), ownership);
}

embedded::Stream& EmbeddedLog::stream(std::string_view name) {
  require_usable();
  const MutexLock lock(mutex_);
  const auto found = streams_.find(name);
  if (found == streams_.end())
    throw Misconfigured("there is no stream " + std::string(name) + ": `sluice up` makes it");
  return found->second;
}

void EmbeddedLog::load() {
  identity_ = records_->identity();
  records_->for_each_stream([&](std::string_view name, const embedded::StreamEntry& entry)
                                SLUICE_REQUIRES(mutex_) SLUICE_REQUIRES_SHARED(access_) {
                                  embedded::Stream& stream = streams_[std::string(name)];
                                  stream.name = name;
                                  stream.entry = entry;
                                  stream.durable.resize(static_cast<std::size_t>(entry.partitions));
                                  for (std::size_t i = 0; i < stream.durable.size(); ++i) {
                                    stream.durable[i] = stored_tail(stream, i);
                                  }
                                });
}

// The end that was told before is kept: what lies before it may still be read.
embedded::Tail EmbeddedLog::stored_tail(const embedded::Stream& stream, std::size_t partition) {
  const Partition number{static_cast<std::int32_t>(partition)};
  const embedded::Tail& known = stream.durable[partition];
  if (!known.damage.empty()) return known;
  embedded::Tail found = records_->tail(stream.entry.id, number);
  if (found.next < known.next) {
    if (found.damage.empty()) found.damage = "durable records are gone";
    found.next = known.next;
    found.last_appended_at = known.last_appended_at;
  }
  if (found.damage.empty()) return found;
  found.damage =
      embedded::words_for({found.next, Offset{-1}, found.damage}, stream, number, directory_);
  if (!secondary_) {
    spdlog::error("log damaged stream={} partition={} error=\"{}\"", stream.name, number.value,
                  found.damage);
  }
  return found;
}

// Of streams that the database has lost with a damaged block nothing else tells.
void EmbeddedLog::list_streams(const std::filesystem::path& directory) {
  embedded::StreamList list{identity_, {}};
  for (const auto& [name, stream] : streams_) list.streams.emplace(name, stream.entry);
  if (embedded::read_stream_list(directory) != list) embedded::write_stream_list(directory, list);
}

void EmbeddedLog::reopen() {
  const WriteLock access(access_);
  records_.reset();
  using embedded::Records;
  records_ = std::make_unique<Records>(directory_, Records::As::primary, config_.bytes);
  const MutexLock lock(mutex_);
  load();
}

// Nobody may come to append: readers wait for it, and what was acknowledged is to be read.
void EmbeddedLog::recover() {
  constexpr std::chrono::seconds kBetween{1};
  MutexLock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (!failure_ || committing_ || now < next_recovery_) return;
  next_recovery_ = now + kBetween;
  committing_ = true;
  lock.unlock();
  commit({}, true);
  lock.lock();
  committing_ = false;
  committed_.notify_all();
  appended_.notify_all();
}

// A catch-up reads which files the primary has, then its write-ahead logs. A memtable that is
// flushed and whose log is deleted in between is in neither, while what came after it is seen. The
// next one finds its file: after two, all is there that was appended before the first; after three,
// all that lies before the ends which the second had seen.
void EmbeddedLog::catch_up() {
  const ReadLock access(access_);
  const MutexLock lock(mutex_);
  records_->catch_up();
  records_->catch_up();
  load();
  records_->catch_up();
}

bool EmbeddedLog::wait_until(const std::function<bool()>& something,
                             std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  if (!secondary_) {
    MutexLock lock(mutex_);
    return appended_.wait_until(lock, deadline, something);
  }
  while (true) {
    catch_up();
    const auto look = std::min(deadline, std::chrono::steady_clock::now() + kSecondaryLooks);
    MutexLock lock(mutex_);
    if (appended_.wait_until(lock, look, something)) return true;
    if (look == deadline) return false;
  }
}

embedded::Tail EmbeddedLog::tail(const embedded::Stream& stream, Partition partition) {
  const MutexLock lock(mutex_);
  return stream.durable[stream.index(partition)];
}

std::optional<std::string> EmbeddedLog::read(const embedded::Stream& stream, Partition partition,
                                             Offset from, Offset end,
                                             const std::function<bool(const LogRecord&)>& take) {
  const ReadLock access(access_);
  if (!records_)
    throw Retryable("the log in " + directory_.string() + " could not be opened again");
  const auto damage = records_->read(stream.entry.id, partition, from, end, take);
  return damage ? std::optional(embedded::words_for(*damage, stream, partition, directory_))
                : std::nullopt;
}

}  // namespace sluice

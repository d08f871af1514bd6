#include "storage/memory/memory_log.h"

#include <utility>

#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/memory/memory_reader.h"

namespace sluice {
namespace {

MemoryPartition& partition_of_stream(MemoryStream& stream, Partition partition)
    SLUICE_REQUIRES(stream.mutex) {
  const auto index = static_cast<std::size_t>(partition.value);
  if (partition.value < 0 || index >= stream.partitions.size()) {
    throw Misconfigured("stream " + stream.name + " has no partition " +
                        std::to_string(partition.value));
  }
  return stream.partitions[index];
}

}  // namespace

class MemoryWriter final : public EventWriter {
 public:
  explicit MemoryWriter(MemoryLog& log) : log_(log) {}
  std::size_t largest_record(std::string_view) override {
    return log_.record_limit_told_ ? log_.record_limit_.load() : kNoRecordLimit;
  }

 protected:
  void write(std::string_view stream, std::span<NewRecord> records, Gaps gaps) override {
    log_.append(stream, records, gaps == Gaps::allowed);
  }

 private:
  MemoryLog& log_;
};

std::optional<int> MemoryLog::partitions(std::string_view stream) {
  require_present();
  const MutexLock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return std::nullopt;
  const MutexLock inner(found->second.mutex);
  return static_cast<int>(found->second.partitions.size());
}

void MemoryLog::create(std::string_view stream, int partitions) {
  require_present();
  if (partitions < 1) throw Misconfigured("a stream has at least one partition");
  const MutexLock lock(mutex_);
  const auto [at, made] = streams_.try_emplace(std::string(stream));
  MemoryStream& found = at->second;
  const MutexLock inner(found.mutex);
  if (made) {
    found.name = stream;
    found.partitions.resize(static_cast<std::size_t>(partitions));
  } else if (found.partitions.size() != static_cast<std::size_t>(partitions)) {
    throw Misconfigured("stream " + found.name + " has " + std::to_string(found.partitions.size()) +
                        " partitions, not " + std::to_string(partitions));
  }
}

LogRange MemoryLog::range(std::string_view stream_name, Partition partition) {
  require_present();
  MemoryStream& found = stream(stream_name);
  const MutexLock lock(found.mutex);
  return partition_of_stream(found, partition).range();
}

std::optional<LogIdentity> MemoryLog::identity(std::string_view stream_name, Partition partition) {
  require_present();
  MemoryStream& found = stream(stream_name);
  const MutexLock lock(found.mutex);
  const MemoryPartition& asked = partition_of_stream(found, partition);
  if (asked.records().empty() || asked.range().begin > Offset{0}) return std::nullopt;
  const MemoryPartition::Stored& first = asked.records().front();
  const std::string incarnation = name_ + "/" + std::to_string(found.incarnation);
  return identity_of(incarnation, stream_name,
                     {partition, first.offset, first.appended_at, first.key(), first.value()});
}

const MemoryPartition::Records& MemoryLog::records(std::string_view stream_name,
                                                   Partition partition) {
  MemoryStream& found = stream(stream_name);
  const MutexLock lock(found.mutex);
  return partition_of_stream(found, partition).records();
}

std::unique_ptr<EventWriter> MemoryLog::writer() { return std::make_unique<MemoryWriter>(*this); }

std::unique_ptr<EventReader> MemoryLog::reader(std::string_view stream_name,
                                               const MemoryAssignment& assigned,
                                               Ownership& ownership) {
  return std::make_unique<MemoryReader>(stream(stream_name), assigned, ownership, away_,
                                        poll_records_);
}

std::shared_ptr<const AppendFailure> MemoryLog::failure_of(const NewRecord& record,
                                                           const MemoryStream& stream) const {
  using Kind = AppendFailure::Kind;
  const std::string place = "partition " + std::to_string(record.partition.value);
  if (record.key.size() + record.value.size() > record_limit_) {
    return std::make_shared<const AppendFailure>(
        AppendFailure{Kind::too_large, place + ": a record is too large", record_limit_});
  }
  if (!stream.leaderless.contains(record.partition)) return nullptr;
  return std::make_shared<const AppendFailure>(
      AppendFailure{Kind::not_appended, place + ": no leader"});
}

void MemoryLog::append(std::string_view stream_name, std::span<NewRecord> records, bool gaps) {
  require_present();
  MemoryStream& found = stream(stream_name);
  const MutexLock lock(found.mutex);
  for (const NewRecord& record : records) partition_of_stream(found, record.partition);
  const auto failing = std::exchange(failing_append_, std::nullopt);
  const MemoryPartition::Stamp stamp = this->stamp();
  std::size_t kept = 0;
  for (NewRecord& record : records) {
    if (failing && kept == *failing) break;
    if (auto failure = failure_of(record, found)) {
      record.failure = std::move(failure);
      if (gaps) continue;
      return;
    }
    record.offset =
        partition_of_stream(found, record.partition).append(record.key, record.value, stamp);
    ++kept;
  }
  if (failing) throw Retryable("append to " + found.name + ": no acknowledgement");
}

void MemoryLog::set_leaderless(std::string_view stream_name, Partition partition, bool leaderless) {
  MemoryStream& found = stream(stream_name);
  const MutexLock lock(found.mutex);
  if (leaderless) {
    found.leaderless.insert(partition);
  } else {
    found.leaderless.erase(partition);
  }
}

void MemoryLog::lose_tail(std::string_view stream_name, Partition partition, std::size_t records) {
  change(stream_name, partition, [&](MemoryPartition& p) { p.lose_tail(records); });
}

void MemoryLog::lose_front(std::string_view stream_name, Partition partition, Offset begin) {
  change(stream_name, partition, [&](MemoryPartition& p) { p.lose_front(begin); });
}

void MemoryLog::repeat_tail(std::string_view stream_name, Partition partition,
                            std::size_t records) {
  change(stream_name, partition, [&](MemoryPartition& p) { p.repeat_tail(records, stamp()); });
}

void MemoryLog::skip_offsets(std::string_view stream_name, Partition partition,
                             std::int64_t offsets) {
  change(stream_name, partition, [&](MemoryPartition& p) { p.skip_offsets(offsets); });
}

void MemoryLog::hold_back(std::string_view stream, Partition partition,
                          std::optional<Offset> from) {
  change(stream, partition, [&](MemoryPartition& changed) { changed.hold_back(from); });
}

void MemoryLog::recreate(std::string_view stream_name) {
  MemoryStream& found = stream(stream_name);
  const MutexLock lock(found.mutex);
  for (MemoryPartition& partition : found.partitions) partition = MemoryPartition();
  ++found.incarnation;
}

MemoryPartition::Stamp MemoryLog::stamp() const {
  if (!producers_off_) return {clock_()};
  return {clock_() + *producers_off_, false};
}

void MemoryLog::remove(std::string_view stream_name) {
  const MutexLock lock(mutex_);
  const auto found = streams_.find(stream_name);
  CHECK(found != streams_.end(), "only a stream that there is can be deleted");
  streams_.erase(found);
}

void MemoryLog::add_partition(std::string_view stream_name) {
  MemoryStream& found = stream(stream_name);
  const MutexLock lock(found.mutex);
  found.partitions.emplace_back();
}

void MemoryLog::require_present() const {
  if (away_) throw Retryable("the log is away");
}

MemoryStream& MemoryLog::stream(std::string_view name) {
  const MutexLock lock(mutex_);
  const auto found = streams_.find(name);
  if (found == streams_.end()) throw Misconfigured("there is no stream " + std::string(name));
  return found->second;
}

template <class Change>
void MemoryLog::change(std::string_view stream_name, Partition partition, Change&& change) {
  MemoryStream& found = stream(stream_name);
  const MutexLock lock(found.mutex);
  change(partition_of_stream(found, partition));
}

}  // namespace sluice

#include "tools/sluice/records/partition_records.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "storage/base/errors.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kPoll{200};
constexpr std::chrono::seconds kPatience{30};
// What is read through rather than passed over: about what a reader has fetched ahead.
constexpr std::uint64_t kThroughBytes = std::uint64_t{4} << 20;
// Of a record's own, before any was seen.
constexpr std::uint64_t kUsualBytes = 200;

}  // namespace

PartitionRecords::PartitionRecords(Log& log, const std::string& stream, Partition partition,
                                   std::stop_token stop)
    : name_(stream + " partition " + std::to_string(partition.value)),
      partition_(partition),
      stop_(std::move(stop)),
      reader_(log.reader(stream, {partition}, here_)) {}

bool PartitionRecords::near(Offset offset) const {
  if (offset < behind_) return false;
  const std::uint64_t each = count_ == 0 ? kUsualBytes : bytes_ / count_ + 1;
  return static_cast<std::uint64_t>(offset.value - behind_.value) * each <= kThroughBytes;
}

bool PartitionRecords::poll() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  do {
    if (stop_.stop_requested()) throw Retryable("stopped while reading the log of " + name_);
    records_ = reader_->poll(kPoll);
    next_ = 0;
    if (!records_.empty()) {
      for (const LogRecord& record : records_) bytes_ += record.key.size() + record.value.size();
      count_ += records_.size();
      behind_ = records_.back().offset.next();
      return true;
    }
    if (reader_->caught_up(partition_)) return false;
  } while (std::chrono::steady_clock::now() < deadline);
  throw Retryable("the log of " + name_ + " does not answer");
}

std::optional<LogRecord> PartitionRecords::from(Offset offset) {
  const bool here = next_ < records_.size() && records_[next_].offset <= offset &&
                    records_.back().offset >= offset;
  if (!here) {
    const bool ahead = next_ == records_.size() || records_[next_].offset <= offset;
    if (!began_ || !ahead || !near(offset)) {
      if (began_) reader_->seek(partition_, offset);
      here_.from = behind_ = offset;
      began_ = true;
    }
    do {
      if (!poll()) return std::nullopt;
    } while (records_.back().offset < offset);
  }
  const auto found =
      std::ranges::lower_bound(records_.subspan(next_), offset, {}, &LogRecord::offset);
  next_ = static_cast<std::size_t>(found - records_.begin());
  return *found;
}

LogRecord PartitionRecords::at(Offset offset) {
  const auto found = from(offset);
  if (found && found->offset == offset) return *found;
  throw Corrupt("the log of " + name_ + " has no record at " + std::to_string(offset.value) +
                ", which was folded: retention took it, or the log lost its tail");
}

}  // namespace sluice

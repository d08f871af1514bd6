#include "storage/memory/memory_partition.h"

#include <algorithm>

#include "storage/base/check.h"

namespace sluice {

std::size_t MemoryPartition::index_of(Offset position) const {
  if (position == end_) return records_.size();
  const auto at = std::lower_bound(records_.begin(), records_.end(), position,
                                   [](const Stored& r, Offset p) { return r.offset < p; });
  return static_cast<std::size_t>(at - records_.begin());
}

Offset MemoryPartition::append(std::string_view key, std::string_view value, Stamp stamp) {
  Stored& record = records_.emplace_back();
  record.offset = end_;
  record.appended_at = stamp.at;
  record.stamped_by_log = stamp.by_log;
  record.key_size = key.size();
  record.bytes.reserve(key.size() + value.size());
  record.bytes.append(key).append(value);
  end_ = end_.next();
  return record.offset;
}

void MemoryPartition::lose_tail(std::size_t count) {
  const std::size_t lost = std::min(count, records_.size());
  if (lost == 0) return;
  end_ = records_[records_.size() - lost].offset;
  records_.resize(records_.size() - lost);
}

void MemoryPartition::lose_front(Offset begin) {
  CHECK(begin >= begin_ && begin <= end_, "retention moves the beginning on, within the partition");
  begin_ = begin;
  while (!records_.empty() && records_.front().offset < begin) records_.pop_front();
}

void MemoryPartition::repeat_tail(std::size_t count, Stamp stamp) {
  const std::size_t last = records_.size();
  for (std::size_t i = last - std::min(count, last); i < last; ++i) {
    append(records_[i].key(), records_[i].value(), stamp);
  }
}

}  // namespace sluice

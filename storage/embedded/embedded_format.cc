#include "storage/embedded/embedded_format.h"

#include "storage/base/errors.h"

namespace sluice::embedded {
namespace {

constexpr std::size_t kRecordKeySize = kPartitionPrefixSize + 8;
constexpr std::size_t kRecordHeadSize = 12;

template <class Unsigned>
void append_big_endian(std::string& to, Unsigned number) {
  for (std::size_t i = sizeof number; i-- > 0;) {
    to.push_back(static_cast<char>(static_cast<unsigned char>(number >> (8 * i))));
  }
}

template <class Unsigned>
Unsigned big_endian(std::string_view from) {
  Unsigned number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number = static_cast<Unsigned>(number << 8 | static_cast<unsigned char>(from[i]));
  }
  return number;
}

}  // namespace

std::string stream_key(std::string_view name) { return std::string(1, kStreamTag).append(name); }

std::string stream_value(const StreamEntry& entry) {
  std::string value;
  append_big_endian(value, entry.id.value);
  append_big_endian(value, static_cast<std::uint32_t>(entry.partitions));
  return value;
}

std::optional<StreamEntry> parse_stream(std::string_view value) {
  if (value.size() != 8) return std::nullopt;
  const auto partitions = static_cast<int>(big_endian<std::uint32_t>(value.substr(4)));
  if (partitions < 1) return std::nullopt;
  return StreamEntry{{big_endian<std::uint32_t>(value)}, partitions};
}

std::string record_key(StreamId stream, Partition partition, Offset offset) {
  std::string key;
  encode_record_key(stream, partition, offset, key);
  return key;
}

void encode_record_key(StreamId stream, Partition partition, Offset offset, std::string& to) {
  to.clear();
  to.push_back(kRecordTag);
  append_big_endian(to, stream.value);
  append_big_endian(to, static_cast<std::uint32_t>(partition.value));
  append_big_endian(to, static_cast<std::uint64_t>(offset.value));
}

Offset offset_of(std::string_view record_key) {
  if (record_key.size() != kRecordKeySize) {
    throw Corrupt("the log has a record under a key that says no offset");
  }
  const auto number = big_endian<std::uint64_t>(record_key.substr(kPartitionPrefixSize));
  return Offset{static_cast<std::int64_t>(number)};
}

std::optional<RecordPlace> parse_record_key(std::string_view key) {
  if (key.size() != kRecordKeySize || key.front() != kRecordTag) return std::nullopt;
  return RecordPlace{{big_endian<std::uint32_t>(key.substr(1))},
                     Partition{static_cast<std::int32_t>(big_endian<std::uint32_t>(key.substr(5)))},
                     offset_of(key)};
}

void encode_record(const RecordEntry& record, std::string& to) {
  to.clear();
  const auto millis = record.appended_at.time_since_epoch().count();
  append_big_endian(to, static_cast<std::uint64_t>(millis));
  append_big_endian(to, static_cast<std::uint32_t>(record.key.size()));
  to.append(record.key).append(record.value);
}

std::optional<RecordEntry> parse_record(std::string_view value) {
  if (value.size() < kRecordHeadSize) return std::nullopt;
  const auto millis = static_cast<std::int64_t>(big_endian<std::uint64_t>(value));
  const std::size_t key_size = big_endian<std::uint32_t>(value.substr(8));
  const std::string_view rest = value.substr(kRecordHeadSize);
  if (key_size > rest.size()) return std::nullopt;
  return RecordEntry{Time{std::chrono::milliseconds(millis)}, rest.substr(0, key_size),
                     rest.substr(key_size)};
}

}  // namespace sluice::embedded

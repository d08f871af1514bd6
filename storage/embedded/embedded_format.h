#pragma once

// The bytes of an EmbeddedLog in RocksDB. Numbers in keys are big-endian, so that keys sort by
// them.
//   0x00 stream name                                   -> id (4), partitions (4)
//   0x01 stream id (4) partition (4) offset (8)        -> appended_at (8), key size (4), key, value
//   0x02                                               -> the log's identity

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/base/position.h"

namespace sluice::embedded {

struct StreamId {
  std::uint32_t value = 0;
  friend auto operator<=>(const StreamId&, const StreamId&) = default;
};

struct StreamEntry {
  StreamId id;
  int partitions = 0;
  friend bool operator==(const StreamEntry&, const StreamEntry&) = default;
};

// Where a partition ends.
struct Tail {
  Offset next{0};
  Time last_appended_at{};
  // Why records may lie behind `next` that cannot be read; empty while sound.
  std::string damage;
  // Whether what lies before `next` is known, too: where it is not, `next` is any lower bound.
  bool readable = true;
};

// Offsets of a partition, [from, to), whose records cannot be read, and what RocksDB says of them.
struct Damage {
  Offset from;
  Offset to;
  std::string what;
};

struct RecordEntry {
  Time appended_at;
  std::string_view key;
  std::string_view value;
};

inline constexpr char kStreamTag = 0;
inline constexpr char kRecordTag = 1;
inline constexpr char kIdentityTag = 2;
inline constexpr std::size_t kPartitionPrefixSize = 9;

std::string stream_key(std::string_view name);
std::string stream_value(const StreamEntry& entry);
// nullopt: these are not the bytes of one.
std::optional<StreamEntry> parse_stream(std::string_view value);

std::string record_key(StreamId stream, Partition partition, Offset offset);
// Into `to`, which is reused.
void encode_record_key(StreamId stream, Partition partition, Offset offset, std::string& to);
// Corrupt: it is no such key.
Offset offset_of(std::string_view record_key);

struct RecordPlace {
  StreamId stream;
  Partition partition;
  Offset offset;
};
// nullopt: the key is that of something else.
std::optional<RecordPlace> parse_record_key(std::string_view key);
// Into `to`, which is reused.
void encode_record(const RecordEntry& record, std::string& to);
// Borrows from `value`.
std::optional<RecordEntry> parse_record(std::string_view value);

}  // namespace sluice::embedded

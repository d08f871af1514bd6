#pragma once

// A mark, in memory and in the store: 32 bytes, the same in both, so that a page of the store is
// searched as it was read. And the store's keys:
//   d b <position>        the marks of one write, in the order they were made
//   d m <run>             the record of a run
//   d r <run> <page>      a page of a run: marks by ascending id

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "projectors/engine/dedupe/dedupe.h"
#include "storage/damaged_state.h"

namespace sluice::dedupe {

struct Mark {
  EventId id;
  std::uint64_t content = 0;
  std::int64_t time_ms = 0;  // of record time
};
static_assert(sizeof(Mark) == 32 && std::has_unique_object_representations_v<Mark>);
static_assert(std::endian::native == std::endian::little, "marks are stored as they are in memory");

inline std::string_view bytes_of(std::span<const Mark> marks) {
  return {reinterpret_cast<const char*>(marks.data()), marks.size_bytes()};
}

inline std::size_t mark_count(std::string_view bytes) {
  if (bytes.size() % sizeof(Mark) != 0) {
    throw DamagedState("dedupe: a block of marks has an odd size");
  }
  return bytes.size() / sizeof(Mark);
}

inline Mark mark_at(std::string_view bytes, std::size_t i) {
  Mark mark;
  std::memcpy(&mark, bytes.data() + i * sizeof(Mark), sizeof(Mark));
  return mark;
}

// Big-endian, so that the order of keys is the order of numbers.
template <class Number>
void append_number(std::string& key, Number number) {
  static_assert(std::is_unsigned_v<Number>);
  for (int shift = 8 * (static_cast<int>(sizeof(Number)) - 1); shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>(number >> shift));
  }
}

inline std::uint64_t number_at(std::string_view key, std::size_t offset) {
  if (key.size() < offset + 8) {
    throw DamagedState("dedupe: a key is too short");
  }
  std::uint64_t number = 0;
  for (const char byte : key.substr(offset, 8)) {
    number = number << 8 | static_cast<unsigned char>(byte);
  }
  return number;
}

inline constexpr std::string_view kBlocks = "db", kBlocksEnd = "dc";
inline constexpr std::string_view kRecords = "dm", kRecordsEnd = "dn";
inline constexpr std::string_view kPages = "dr", kPagesEnd = "ds";

inline std::string key_of(std::string_view kind, std::uint64_t number) {
  std::string key(kind);
  append_number(key, number);
  return key;
}

inline std::string page_key(std::uint64_t run, std::uint32_t page) {
  std::string key = key_of(kPages, run);
  append_number(key, page);
  return key;
}

}  // namespace sluice::dedupe

#pragma once

// The index in the store:
//   k m <run>                      the record of a run
//   k r <run> <hash> <page>        a page of a run, by the hash that it ends with
//   k t <offset>                   record time as the record at this offset was met
// Numbers in keys are big-endian, so that the order of keys is theirs.
//
// A page is groups, one a hash in ascending order:
//   hash (8 bytes), number of postings (2), postings
// and a posting is a varint: how far its offset is behind the one before it in the group (the
// group's first: behind 0), 2 bits of kind, 1 of duplicate; then `time`, unless it is plain. What
// does not fit a page goes on in the next, in a group of the same hash. Most keys have many
// postings a page, so that one takes about 2 bytes.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "projectors/engine/key_index/posting.h"

namespace sluice::key_index {

inline constexpr std::string_view kRecords = "km", kRecordsEnd = "kn";
inline constexpr std::string_view kTimes = "kt", kTimesEnd = "ku";

[[nodiscard]] std::string key_of(std::string_view kind, std::uint64_t number);
// Where a hash is looked for in a run: no page with it is before this.
[[nodiscard]] std::string first_page_key(std::uint64_t run, std::uint64_t hash);
[[nodiscard]] std::string page_key(std::uint64_t run, std::uint64_t hash, std::uint32_t page);
// Behind all pages of the run.
[[nodiscard]] std::string pages_end(std::uint64_t run);
// Corrupt: the key is too short.
[[nodiscard]] std::uint64_t number_at(std::string_view key, std::size_t offset);
[[nodiscard]] std::uint64_t last_hash_of(std::string_view page_key);

struct Entry {
  std::uint64_t hash = 0;
  Posting posting;
};

// Packs entries, which come by ascending hash and those of one by ascending offset.
class PageWriter {
 public:
  void add(const Entry& entry);
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::uint64_t last_hash() const { return hash_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  // The page; valid until the next call.
  [[nodiscard]] std::string_view finish();
  void clear();

 private:
  void begin_group(std::uint64_t hash);
  void end_group();

  std::string bytes_;
  std::uint64_t hash_ = 0;
  std::size_t group_ = 0;  // where it begins
  std::uint32_t in_group_ = 0;
  std::int64_t last_offset_ = 0;
};

// Walks a page, which it borrows. Throws Corrupt where the bytes are no page.
class PageReader {
 public:
  explicit PageReader(std::string_view page) : rest_(page) { next(); }

  [[nodiscard]] bool valid() const { return valid_; }
  [[nodiscard]] const Entry& entry() const { return entry_; }
  void next();

 private:
  void begin_group();

  std::string_view rest_;
  Entry entry_;
  std::uint32_t left_ = 0;  // in the group
  bool valid_ = false;
};

}  // namespace sluice::key_index

#pragma once

// Going over an index by the hashes of its keys, a bounded number of postings at a time: an order
// in which keys come permuted, and which needs no memory of what it has met.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "projectors/engine/key_index/key_lookup.h"
#include "projectors/engine/key_index/posting.h"

namespace sluice {

struct SliceBounds {
  std::uint64_t first = 0;  // the first hash, and ...
  std::uint64_t last = 0;   // ... the last, inclusive
  Offset from = {};         // postings of records before it are left out, and ...
  Offset before{std::numeric_limits<std::int64_t>::max()};  // ... of those from it on
  std::size_t postings_max = 0;  // so many, but for those of the last hash
  std::size_t of_one_max = 0;    // a hash with more is left out
};

struct IndexSlice {
  struct Group {
    std::uint64_t hash = 0;
    std::size_t postings = 0;
  };
  Postings postings;          // in the order in which their records are to be folded
  std::vector<Group> groups;  // ascending; those left out are not among them
  std::vector<Group> left_out;
  std::optional<std::uint64_t> next;  // the first hash not looked at; nullopt: it is past the last
};

// Throws what the scan throws; Corrupt where the index cannot be read.
[[nodiscard]] IndexSlice slice_of(const ScanState& scan, const SliceBounds& bounds);

// Postings in the index, about.
[[nodiscard]] std::uint64_t entries_in(const ScanState& scan);

// Of these hashes, ascending, those that no posting has.
[[nodiscard]] std::vector<std::uint64_t> unknown_hashes(const ScanState& scan,
                                                        std::span<const std::uint64_t> hashes);

}  // namespace sluice

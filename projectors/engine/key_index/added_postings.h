#pragma once

// What an index was told since it was last written.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "projectors/engine/key_index/index_page.h"

namespace sluice::key_index {

// One record is one of these in a drain: nearly all are plain and near the first, and take 16
// bytes.
class AddedPostings {
 public:
  // Offsets ascend.
  void add(const Entry& entry);
  // Whether the same was added of this offset.
  [[nodiscard]] bool repeats(const Entry& entry) const;

  // By hash; those of one hash stay in the order in which they came.
  void sort();
  [[nodiscard]] bool empty() const { return packed_.empty(); }
  [[nodiscard]] std::size_t size() const { return packed_.size(); }
  [[nodiscard]] Entry entry(std::size_t i) const;
  [[nodiscard]] Postings of(std::uint64_t hash) const;
  void clear();

  // Memory held, and what of it postings take.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::size_t bytes_in_use() const;

 private:
  struct Packed {
    std::uint64_t hash = 0;
    std::uint32_t place = 0;  // how far its offset is behind first_, or of others where in whole_
    std::uint8_t is = 0;      // bits: kDuplicate, kWhole
  };
  static_assert(sizeof(Packed) == 16);

  std::vector<Packed> packed_;
  std::int64_t first_ = 0;  // the offset of the first
  std::vector<Posting> whole_;
};

}  // namespace sluice::key_index

#pragma once

// A blocked Bloom filter: an id is one bit in each of the eight words of one cache line. With 16
// bits an id, about one in a thousand ids that were not added looks as if it had been.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "projectors/engine/dedupe/dedupe.h"

namespace sluice::dedupe {

class IdFilter {
 public:
  // Without memory: says of every id that it may hold it.
  IdFilter() = default;
  explicit IdFilter(std::size_t ids) : blocks_(ids / kIdsPerBlock + 1) {}
  static std::size_t bytes_for(std::size_t ids) { return (ids / kIdsPerBlock + 1) * sizeof(Block); }

  // A filter without memory stays one that may hold anything.
  void add(EventId id) {
    if (blocks_.empty()) {
      return;
    }
    Block& block = blocks_[block_of(id)];
    for (std::size_t i = 0; i < block.words.size(); ++i) {
      block.words[i] |= std::uint64_t{1} << bit(id, i);
    }
  }

  void prefetch(EventId id) const {
    if (!blocks_.empty()) {
      __builtin_prefetch(&blocks_[block_of(id)]);
    }
  }

  [[nodiscard]] bool may_hold(EventId id) const {
    if (blocks_.empty()) {
      return true;
    }
    const auto& words = blocks_[block_of(id)].words;
    // Four words at once: an id that was not added is told after one branch, rightly predicted.
    return (words[0] >> bit(id, 0) & words[1] >> bit(id, 1) & words[2] >> bit(id, 2) &
            words[3] >> bit(id, 3) & 1) != 0 &&
           (words[4] >> bit(id, 4) & words[5] >> bit(id, 5) & words[6] >> bit(id, 6) &
            words[7] >> bit(id, 7) & 1) != 0;
  }

  [[nodiscard]] bool empty() const { return blocks_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return blocks_.size() * sizeof(Block); }

 private:
  static constexpr std::size_t kIdsPerBlock = 32;
  struct alignas(64) Block {
    std::array<std::uint64_t, 8> words{};
  };

  // By the high half in proportion: ids added in ascending order walk through memory once.
  [[nodiscard]] std::size_t block_of(EventId id) const {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>(static_cast<Wide>(id.high) * blocks_.size() >> 64);
  }
  static int bit(EventId id, std::size_t word) {
    return static_cast<int>(id.low >> (6 * word) & 63);
  }

  std::vector<Block> blocks_;
};

}  // namespace sluice::dedupe

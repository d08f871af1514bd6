#pragma once

#include <optional>
#include <vector>

#include "tools/import/atproto/repository/car.h"

namespace sluice::atproto {

// Blocks by their CIDs: add, then sort, then find. Kept and cleared, it allocates nothing.
class BlockIndex {
 public:
  void clear() { blocks_.clear(); }
  void add(const Block& block) { blocks_.push_back(block); }
  void sort();
  // Adds what is left of a CAR, and sorts.
  void fill(CarReader& from);
  // Its number among the blocks; of several of one CID the first in the CAR.
  [[nodiscard]] std::optional<std::size_t> find(const Cid& cid) const;
  [[nodiscard]] const Block& operator[](std::size_t number) const { return blocks_[number]; }
  [[nodiscard]] std::size_t size() const { return blocks_.size(); }

 private:
  std::vector<Block> blocks_;
};

}  // namespace sluice::atproto

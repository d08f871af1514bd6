#include "tools/import/atproto/repository/block_index.h"

#include <algorithm>
#include <tuple>

namespace sluice::atproto {

void BlockIndex::sort() {
  std::ranges::sort(blocks_, [](const Block& a, const Block& b) {
    return std::tie(a.cid, a.at) < std::tie(b.cid, b.at);
  });
}

void BlockIndex::fill(CarReader& from) {
  while (const Block* const block = from.next()) add(*block);
  sort();
}

std::optional<std::size_t> BlockIndex::find(const Cid& cid) const {
  const auto found = std::ranges::lower_bound(blocks_, cid, {}, &Block::cid);
  if (found == blocks_.end() || found->cid != cid) return std::nullopt;
  return static_cast<std::size_t>(found - blocks_.begin());
}

}  // namespace sluice::atproto

#pragma once

#include <functional>
#include <string_view>

#include "tools/import/atproto/data/malformed.h"
#include "tools/import/atproto/repository/block_index.h"

namespace sluice::atproto {

// The Merkle search tree of a repository (specification, Repository, "MST Structure").

// How many levels above the leaves a key lives: half of the zero bits that its sha-256 begins with.
[[nodiscard]] int mst_height(std::string_view key);

// How many bytes two keys begin with alike: a node's keys leave out what they share with the one
// before.
[[nodiscard]] std::size_t mst_common_prefix(std::string_view a, std::string_view b);

// Borrowed: valid inside the call it is given to; `block` as long as the blocks.
struct RepoRecord {
  std::string_view collection;
  std::string_view rkey;
  Cid cid;
  std::string_view block;
};

struct MstVisitor {
  std::function<void(const RepoRecord&)> record;
  std::function<void(const Malformed&)> malformed;
};

// Visits every record below `root` in the order of keys. Malformed, and passed over with what is
// below it:
// - a node that is missing, is not of its CID's sha-256, is no node, is there for the second time,
//   is below the level of leaves, or has nothing in it (only a root may);
// - a key that does not rise above the one before it, is of another height than its node, shares
//   more or less with the key before it than it says, or is no collection/rkey;
// - a record whose block is missing or not of its CID's sha-256. What the block says is not looked
//   at. Each node is visited once at most, so time and memory are those of the blocks.
void walk_mst(const BlockIndex& blocks, const Cid& root, const MstVisitor& visitor);

}  // namespace sluice::atproto

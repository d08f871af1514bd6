#pragma once

#include <deque>
#include <optional>
#include <string>

#include "tools/import/atproto/data/value.h"
#include "tools/import/atproto/repository/block_index.h"
#include "tools/import/atproto/repository/mst.h"

namespace sluice::atproto {

// What a repository's account has signed (specification, Repository, "Commit Objects"), of version
// 3. Who reads it trusts the relay for the signature. Texts are views of the block.
struct SignedCommit {
  std::string_view did;
  std::string_view rev;
  Cid data;  // the root of the MST
};
// nullopt: `block` is none; `reason` says why.
[[nodiscard]] std::optional<SignedCommit> read_commit(std::string_view block, const char*& reason);

// A whole repository out of a CAR: all of its blocks are kept in memory, in chunks.
class Repository {
 public:
  Repository() = default;
  Repository(const Repository&) = delete;
  Repository& operator=(const Repository&) = delete;

  // Takes every block, then finds the commit, which is the first root. False: no commit can be
  // read; malformed() is not empty. A CAR that is cut short gives the blocks before, and a note.
  [[nodiscard]] bool read(CarReader& car);
  [[nodiscard]] const std::vector<Malformed>& malformed() const { return malformed_; }

  // Views of this. nullptr: read() found none.
  [[nodiscard]] const SignedCommit* commit() const { return commit_ ? &*commit_ : nullptr; }
  [[nodiscard]] std::size_t blocks() const { return blocks_.size(); }
  // In the order of keys; see walk_mst(). Of nothing where there is no commit.
  void walk(const MstVisitor& visitor) const;

 private:
  void keep(const Block& block);

  std::deque<std::string> chunks_;
  BlockIndex blocks_;
  std::optional<SignedCommit> commit_;
  std::vector<Malformed> malformed_;
};

}  // namespace sluice::atproto

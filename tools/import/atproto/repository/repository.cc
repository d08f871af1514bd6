#include "tools/import/atproto/repository/repository.h"

#include <algorithm>

#include "tools/import/atproto/data/dag_cbor.h"
#include "tools/import/atproto/data/fields.h"
#include "tools/import/atproto/syntax/moment.h"
#include "tools/import/atproto/syntax/syntax.h"

namespace sluice::atproto {
namespace {

constexpr std::size_t kChunkBytes = 1024 * 1024;
constexpr std::int64_t kVersion = 3;

}  // namespace

std::optional<SignedCommit> read_commit(std::string_view block, const char*& reason) {
  Document document;
  if (const auto fault = decode_cbor(block, document)) {
    reason = fault->reason;
    return std::nullopt;
  }
  const Value root = document.root();
  const auto data = link_field(root, "data");
  const std::string_view did = text_field(root, "did").value_or("");
  const std::string_view rev = text_field(root, "rev").value_or("");
  if (integer_field(root, "version") != kVersion || !data || !is_did(did) || !parse_tid(rev)) {
    reason = "no commit of version 3";
    return std::nullopt;
  }
  return SignedCommit{did, rev, *data};
}

void Repository::keep(const Block& block) {
  if (chunks_.empty() || chunks_.back().capacity() - chunks_.back().size() < block.data.size()) {
    chunks_.emplace_back().reserve(std::max(kChunkBytes, block.data.size()));
  }
  std::string& chunk = chunks_.back();
  const std::size_t begin = chunk.size();
  chunk += block.data;
  blocks_.add({block.cid, std::string_view(chunk).substr(begin), block.at});
}

void Repository::walk(const MstVisitor& visitor) const {
  if (commit_) walk_mst(blocks_, commit_->data, visitor);
}

bool Repository::read(CarReader& car) {
  while (const Block* const block = car.next()) keep(*block);
  blocks_.sort();
  if (const auto& fault = car.fault()) {
    malformed_.push_back({"CAR, byte " + std::to_string(fault->at), fault->reason});
  }
  if (car.roots().empty()) {
    malformed_.push_back({"CAR", "no root"});
    return false;
  }
  const Cid root = car.roots().front();
  const auto number = blocks_.find(root);
  const char* reason = "its block is missing";
  if (number && !root.is_of(blocks_[*number].data)) {
    reason = "its block's sha-256 is not its CID's";
  } else if (number) {
    commit_ = read_commit(blocks_[*number].data, reason);
  }
  if (!commit_) malformed_.push_back({"commit " + root.text(), reason});
  return commit_.has_value();
}

}  // namespace sluice::atproto

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tools/import/atproto/bytes/pieces.h"
#include "tools/import/atproto/data/cid.h"
#include "tools/import/atproto/data/fault.h"

namespace sluice::atproto {

constexpr std::size_t kMaxBlockBytes = 2 * 1024 * 1024;  // a #commit's blocks have no more in all
constexpr std::size_t kMaxCarHeaderBytes = 64 * 1024;

// A block as a CAR has it. Whether the bytes are those that the CID names is the reader's to ask.
struct Block {
  Cid cid;
  std::string_view data;
  std::size_t at = 0;  // where the data begins in the CAR
};

// A content-addressable archive, version 1 (ipld.io/specs/transport/car/carv1): a header, then
// blocks one by one. Nothing is allocated by what a length claims.
class CarReader {
 public:
  // Blocks are views of `bytes`.
  explicit CarReader(std::string_view bytes) : bytes_(bytes) { read_header(); }
  // From a stream; a block's data then is borrowed like the block. `from` must outlive this.
  explicit CarReader(Pieces& from) : from_(&from) { read_header(); }

  // Of the header; empty where that is malformed.
  [[nodiscard]] const std::vector<Cid>& roots() const { return roots_; }
  // Borrowed until the next call. nullptr: the CAR has ended, or fault() says why nothing behind
  // can be read. A section whose CID is of a form that atproto does not link with is passed over.
  [[nodiscard]] const Block* next();
  [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }

 private:
  void read_header();
  [[nodiscard]] std::optional<std::string_view> take(std::size_t size);
  // The length in front of a header or section; nullopt: the end, or a fault.
  [[nodiscard]] std::optional<std::size_t> length(std::size_t limit);
  std::nullopt_t fail(std::size_t at, const char* reason);

  std::string_view bytes_;  // the rest of them
  Pieces* from_ = nullptr;  // null: bytes_
  std::size_t at_ = 0;
  std::vector<Cid> roots_;
  std::optional<Block> block_;
  std::optional<Fault> fault_;
};

}  // namespace sluice::atproto

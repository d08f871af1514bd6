#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tools/import/atproto/bytes/byte_source.h"
#include "tools/import/atproto/data/fault.h"

namespace sluice::atproto {

// The pieces that an input is made of, one at a time, each within a limit: memory is that of one.
// What next() gave is borrowed until the next call.
class Pieces {
 public:
  explicit Pieces(ByteSource source) : source_(std::move(source)) {}

  // A line without its "\n" (and "\r"); the last one may have none. One beyond the limit is passed
  // over and given as its first `limit` bytes, with too_long().
  [[nodiscard]] std::optional<std::string_view> line(std::size_t limit);
  // The bytes behind a u32 in little-endian, which is their number. nullopt also where the input
  // ends inside, or the number is beyond the limit: then fault() says so, and nothing behind can
  // be read.
  [[nodiscard]] std::optional<std::string_view> frame(std::size_t limit);
  // Exactly so many bytes; nullopt: fewer are left, and then none is. The first of a CAR's readers.
  [[nodiscard]] std::optional<std::string_view> exactly(std::size_t size);

  // Of the piece given last.
  [[nodiscard]] bool too_long() const { return too_long_; }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }

 private:
  // Whether so many bytes are in the buffer behind begin_, after reading what is missing.
  bool fill(std::size_t size);
  void make_room();
  [[nodiscard]] std::string_view rest() const;
  std::string_view take(std::size_t size);
  std::string_view overlong_line(std::size_t limit);

  ByteSource source_;
  std::string buffer_;
  std::string overlong_;
  std::size_t begin_ = 0;     // what is before was taken
  std::size_t end_ = 0;       // behind what was read
  std::size_t consumed_ = 0;  // bytes of the input before begin_
  std::size_t at_ = 0;        // where the last piece begins in the input
  bool ended_ = false;
  bool too_long_ = false;
  std::optional<Fault> fault_;
};

}  // namespace sluice::atproto

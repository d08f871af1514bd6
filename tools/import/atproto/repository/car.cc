#include "tools/import/atproto/repository/car.h"

#include "tools/import/atproto/data/dag_cbor.h"

namespace sluice::atproto {

std::nullopt_t CarReader::fail(std::size_t at, const char* reason) {
  fault_ = Fault{at, reason};
  return std::nullopt;
}

std::optional<std::string_view> CarReader::take(std::size_t size) {
  std::optional<std::string_view> taken;
  if (from_ != nullptr) {
    taken = from_->exactly(size);
  } else if (size <= bytes_.size()) {
    taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
  }
  if (taken) at_ += size;
  return taken;
}

std::optional<std::size_t> CarReader::length(std::size_t limit) {
  const std::size_t begin = at_;
  std::size_t value = 0;
  // Unsigned LEB128; of four bytes at most, as no limit here needs more.
  for (unsigned shift = 0; shift < 28; shift += 7) {
    const auto byte = take(1);
    if (!byte) {
      if (shift == 0) return std::nullopt;
      return fail(begin, "ends inside a length");
    }
    const auto bits = static_cast<unsigned char>(byte->front());
    value |= std::size_t{bits & 0x7fU} << shift;
    if ((bits & 0x80) != 0) continue;
    if (bits == 0 && shift > 0) return fail(begin, "a length not in its shortest form");
    if (value > limit) return fail(begin, "a length beyond the limit");
    return value;
  }
  return fail(begin, "a length beyond the limit");
}

void CarReader::read_header() {
  const auto size = length(kMaxCarHeaderBytes);
  if (!size) {
    if (!fault_) fault_ = Fault{0, "no CAR: it is empty"};
    return;
  }
  const std::size_t begin = at_;
  const auto bytes = take(*size);
  Document document;
  if (!bytes) {
    fault_ = Fault{begin, "ends inside the header"};
    return;
  }
  if (const auto fault = decode_cbor(*bytes, document)) {
    fault_ = Fault{begin + fault->at, fault->reason};
    return;
  }
  const auto version = document.root().find("version");
  const auto roots = document.root().find("roots");
  if (!version || version->integer() != 1 || !roots || roots->kind() != Kind::list) {
    fault_ = Fault{begin, "no header of a CAR of version 1"};
    return;
  }
  for (const Value root : roots->items()) {
    if (const auto cid = root.link()) {
      roots_.push_back(*cid);
    } else {
      fault_ = Fault{begin + root.at(), "a root that is no link"};
    }
  }
}

const Block* CarReader::next() {
  while (!fault_) {
    const std::size_t begin = at_;
    const auto size = length(kMaxBlockBytes + Cid::kBytes);
    if (!size) return nullptr;
    const auto section = take(*size);
    if (!section) {
      fault_ = Fault{begin, "ends inside a block"};
      return nullptr;
    }
    const auto cid = Cid::from_bytes(section->substr(0, Cid::kBytes));
    if (!cid) continue;
    return &block_.emplace(Block{*cid, section->substr(Cid::kBytes), at_ - *size + Cid::kBytes});
  }
  return nullptr;
}

}  // namespace sluice::atproto

#include "projectors/engine/key_index/added_postings.h"

#include <algorithm>
#include <limits>

namespace sluice::key_index {
namespace {

constexpr std::uint8_t kDuplicate = 1;
constexpr std::uint8_t kWhole = 2;

}  // namespace

void AddedPostings::add(const Entry& entry) {
  const Posting& posting = entry.posting;
  if (packed_.empty()) first_ = posting.offset.value;
  const std::int64_t behind = posting.offset.value - first_;
  if (posting.kind == Posting::Kind::plain && behind <= std::numeric_limits<std::uint32_t>::max()) {
    packed_.push_back({entry.hash, static_cast<std::uint32_t>(behind),
                       posting.duplicate ? kDuplicate : std::uint8_t{0}});
  } else {
    packed_.push_back({entry.hash, static_cast<std::uint32_t>(whole_.size()), kWhole});
    whole_.push_back(posting);
  }
}

bool AddedPostings::repeats(const Entry& entry) const {
  for (std::size_t i = size(); i > 0; --i) {
    const Entry before = this->entry(i - 1);
    if (before.posting.offset != entry.posting.offset) return false;
    if (before.hash == entry.hash && before.posting == entry.posting) return true;
  }
  return false;
}

void AddedPostings::sort() { std::ranges::stable_sort(packed_, {}, &Packed::hash); }

Entry AddedPostings::entry(std::size_t i) const {
  const Packed& packed = packed_[i];
  if ((packed.is & kWhole) != 0) return {packed.hash, whole_[packed.place]};
  return {packed.hash,
          {.offset = Offset{first_ + packed.place}, .duplicate = (packed.is & kDuplicate) != 0}};
}

Postings AddedPostings::of(std::uint64_t hash) const {
  Postings found;
  for (std::size_t i = 0; i < size(); ++i) {
    if (packed_[i].hash == hash) found.push_back(entry(i).posting);
  }
  return found;
}

void AddedPostings::clear() {
  packed_.clear();
  whole_.clear();
}

std::size_t AddedPostings::bytes() const {
  return packed_.capacity() * sizeof(Packed) + whole_.capacity() * sizeof(Posting);
}

std::size_t AddedPostings::bytes_in_use() const {
  return packed_.size() * sizeof(Packed) + whole_.size() * sizeof(Posting);
}

}  // namespace sluice::key_index

#include "projectors/engine/tables/row_pool.h"

#include <algorithm>
#include <bit>
#include <new>

#include "storage/base/check.h"

namespace sluice {
namespace {

constexpr std::uint64_t kAllFree = ~std::uint64_t{0};
static_assert(RowPool::kPlaces == 64, "a bit a place");

// A row that grew beyond this leaves nothing to the next.
constexpr std::size_t kKeptBytes = 4096;

// One in so many blocks may wait to be taken again.
constexpr std::size_t kSpareShare = 8;

// Slots begin with a cache line.
constexpr std::size_t kLineBytes = 64;
static_assert(offsetof(RowSlot, room) == kLineBytes, "a look-up touches one line of a slot");

std::size_t stride_of(const RowForm& form) {
  return (sizeof(RowSlot) + form.size + kLineBytes - 1) / kLineBytes * kLineBytes;
}

void* behind(RowSlot& slot) { return &slot + 1; }

}  // namespace

void RowKey::assign(std::string_view key) {
  clear();
  size_ = static_cast<std::uint32_t>(key.size());
  char* to = bytes_;
  if (key.size() > sizeof bytes_) {
    to = new char[key.size()];
    std::memcpy(bytes_, &to, sizeof to);
  }
  std::memcpy(to, key.data(), key.size());
}

void RowKey::clear() {
  if (size_ > sizeof bytes_) delete[] outside();
  size_ = 0;
}

void RowPool::Freed::operator()(std::byte* slots) const {
  ::operator delete[](slots, std::align_val_t{kLineBytes});
}

RowPool::RowPool(const RowForm& form) : form_(form), stride_(stride_of(form)) {}

RowSlot& RowPool::take() {
  while (!open_.empty() && blocks_[open_.back()].free == 0) {
    blocks_[open_.back()].open = false;
    open_.pop_back();
  }
  if (open_.empty()) {
    if (vacant_.empty()) {
      vacant_.push_back(static_cast<std::uint32_t>(blocks_.size()));
      blocks_.emplace_back();
    }
    fill(vacant_.back());
    open_.push_back(vacant_.back());
    vacant_.pop_back();
  }
  Block& block = blocks_[open_.back()];
  const auto place = static_cast<std::size_t>(std::countr_zero(block.free));
  block.free &= block.free - 1;
  RowSlot& taken = slot(open_.back(), place);
  taken.held = true;
  return taken;
}

RowSlot& RowPool::slot_of(const google::protobuf::Message& row) const {
  const auto* at = reinterpret_cast<const std::byte*>(&row) - sizeof(RowSlot);
  auto& slot = *const_cast<RowSlot*>(reinterpret_cast<const RowSlot*>(at));
  CHECK(slot.row == &row, "a row stands behind its slot");
  return slot;
}

void RowPool::give_back(RowSlot& slot) {
  if (slot.bytes > kKeptBytes) {
    slot.room->~Message();
    slot.room = form_.make(behind(slot));
  } else if (slot.row != nullptr) {
    slot.row->Clear();
  }
  slot.key.clear();
  slot.row = nullptr;
  slot.held = slot.touched = slot.dirty = slot.shown = false;
  Block& block = blocks_[slot.block];
  block.free |= std::uint64_t{1} << slot.place;
  if (!block.open) open_.push_back(slot.block);
  block.open = true;
}

void RowPool::fill(std::size_t number) {
  Block& block = blocks_[number];
  block.slots.reset(new (std::align_val_t{kLineBytes}) std::byte[kPlaces * stride_]);
  block.free = kAllFree;
  block.open = true;
  for (std::size_t place = 0; place < kPlaces; ++place) {
    auto* made = new (block.slots.get() + place * stride_) RowSlot;
    made->room = form_.make(behind(*made));
    made->block = static_cast<std::uint32_t>(number);
    made->place = static_cast<std::uint8_t>(place);
  }
}

void RowPool::empty(std::size_t number) {
  for (std::size_t place = 0; place < kPlaces; ++place) {
    RowSlot& gone = slot(number, place);
    gone.room->~Message();
    gone.~RowSlot();
  }
  blocks_[number] = {};
}

void RowPool::clear() {
  for (std::size_t block = 0; block < blocks_.size(); ++block) {
    if (has_slots(block)) empty(block);
  }
  blocks_.clear();
  open_.clear();
  vacant_.clear();
}

void RowPool::trim() {
  std::size_t spare = blocks_.size() / kSpareShare;
  const auto freed = std::remove_if(open_.begin(), open_.end(), [&](std::uint32_t block) {
    if (blocks_[block].free != kAllFree) return false;
    if (spare > 0) {
      --spare;
      return false;
    }
    empty(block);
    vacant_.push_back(block);
    return true;
  });
  open_.erase(freed, open_.end());
}

}  // namespace sluice

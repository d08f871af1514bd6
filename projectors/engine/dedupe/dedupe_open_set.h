#pragma once

// The newest marks, in the order they were made, with an index by id.

#include <span>
#include <vector>

#include "projectors/engine/dedupe/dedupe_mark.h"

namespace sluice::dedupe {

class OpenSet {
 public:
  explicit OpenSet(std::size_t expected);

  // The newest mark of the id; null when there is none. Valid until the next add().
  [[nodiscard]] const Mark* find(EventId id) const {
    for (std::size_t i = place(id);; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.number == 0) {
        return nullptr;
      }
      if (slot.tag == tag(id) && marks_[slot.number - 1].id == id) {
        return &marks_[slot.number - 1];
      }
    }
  }
  void prefetch(EventId id) const { __builtin_prefetch(&slots_[place(id)]); }

  void add(const Mark& mark);
  void clear();
  // There are so many.
  void forget_last(std::size_t marks);

  [[nodiscard]] const std::vector<Mark>& marks() const { return marks_; }
  [[nodiscard]] std::size_t bytes() const {
    return marks_.capacity() * sizeof(Mark) + slots_.capacity() * sizeof(Slot);
  }

  // The marks made after `expired_ms` by ascending id, of each id the newest one.
  [[nodiscard]] std::vector<Mark> sorted(std::int64_t expired_ms) const;

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number = 0;  // of the mark, from 1; 0: empty
  };

  // Apart from the bits that place an id in filters and pages.
  [[nodiscard]] std::size_t place(EventId id) const { return id.low >> 16 & mask_; }
  static std::uint32_t tag(EventId id) { return static_cast<std::uint32_t>(id.high); }
  void index(std::uint32_t number);
  void index_all();

  std::size_t expected_;
  std::vector<Mark> marks_;
  std::vector<Slot> slots_;  // a power of two, at most half full
  std::size_t mask_ = 0;
};

}  // namespace sluice::dedupe

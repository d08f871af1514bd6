#pragma once

#include <atomic>
#include <cstddef>

#include "projectors/engine/tables/shared_bytes.h"

namespace sluice {

// Memory for the rows of all partitions of a process. A partition that holds next to nothing leaves
// its part to those that are busy: one hot partition may have nearly all. What orders over rows
// hold is taken out of it. Any thread.
class RowMemory {
 public:
  // Bytes of all partitions together.
  struct Parts {
    std::size_t changed = 0;  // rows that a flush is to write
    std::size_t at_hand = 0;  // rows that none need write
    std::size_t orders = 0;   // of these two, half of each, at the most; no more than either
  };
  RowMemory(Parts parts, int partitions);

  // What each busy partition may hold now. Less than before once another becomes busy.
  [[nodiscard]] std::size_t changed() const { return each(parts_.changed); }
  [[nodiscard]] std::size_t at_hand() const { return each(parts_.at_hand); }
  // So much a partition may hold and not count as busy.
  [[nodiscard]] std::size_t quiet() const { return quiet_; }
  // Whether several are busy, so that who leaves its part leaves it to somebody.
  [[nodiscard]] bool scarce() const { return busy_.load(std::memory_order_relaxed) > 1; }
  [[nodiscard]] SharedBytes& orders() { return orders_; }
  [[nodiscard]] const SharedBytes& orders() const { return orders_; }

  // A partition, as long as it holds rows here. Used by one thread; `memory` outlives it.
  class Holder {
   public:
    explicit Holder(RowMemory& memory) : memory_(memory) {}
    ~Holder() { holds(0); }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    void holds(std::size_t bytes) {
      const bool busy = bytes > memory_.quiet_;
      if (busy == busy_) return;
      busy_ = busy;
      memory_.busy_ += busy ? 1 : -1;
    }

   private:
    RowMemory& memory_;
    bool busy_ = false;
  };

 private:
  [[nodiscard]] std::size_t each(std::size_t part) const;

  const Parts parts_;
  const std::size_t partitions_;
  const std::size_t quiet_;  // who holds no more than this is not busy
  SharedBytes orders_;
  std::atomic<int> busy_{0};
};

}  // namespace sluice

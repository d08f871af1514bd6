#pragma once

#include <cstddef>

#include "projectors/engine/tables/partition_tables.h"
#include "projectors/engine/tables/row_memory.h"

namespace sluice {

// One partition's part of the process's memory for rows. Used by the partition's thread.
class RowShare {
 public:
  // Both outlive this. Orders over the rows are held with those of all partitions.
  RowShare(Tables& tables, RowMemory& memory) : tables_(tables), memory_(memory), holder_(memory) {
    tables.share_orders(memory.orders());
  }

  // Tells the other partitions how much is held here.
  void show() { holder_.holds(tables_.row_bytes()); }
  // Forgets unchanged rows beyond this partition's part, which shrinks as others become busy.
  void shrink() { shrink_to(memory_.at_hand()); }
  void shrink_if_above() {
    if (tables_.row_bytes() > memory_.at_hand()) shrink();
  }
  // For a partition that is quiet: where others are short of memory, its unchanged rows go, and are
  // read from state when the next record needs them.
  void rest() {
    if (memory_.scarce() && tables_.row_bytes() > memory_.quiet()) shrink_to(memory_.quiet());
  }

 private:
  void shrink_to(std::size_t bytes) {
    tables_.shrink_to(bytes);
    show();
  }

  Tables& tables_;
  RowMemory& memory_;
  RowMemory::Holder holder_;
};

}  // namespace sluice

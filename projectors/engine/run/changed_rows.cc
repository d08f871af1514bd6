#include "projectors/engine/run/changed_rows.h"

#include <cstddef>

#include "projectors/engine/tables/row_key.h"

namespace sluice {

ChangedRows::ChangedRows(const Tables& tables) {
  for (const auto& rows : tables.all()) {
    if (rows->published()) rows_.push_back({&rows->row_type(), {}, {}});
  }
}

void ChangedRows::collect(const Tables& tables) {
  erased_keys_.clear();
  std::size_t i = 0;
  for (const auto& table : tables.all()) {
    if (!table->published()) continue;
    RowChanges& changes = rows_[i++];
    changes.upserts.clear();
    changes.erased.clear();
    for (const RowSlot* slot : table->dirty_in_key_order()) add(*table, *slot, changes);
  }
}

void ChangedRows::add(const TableRows& table, const RowSlot& slot, RowChanges& changes) {
  if (!slot.shown) return;
  if (slot.row) return changes.upserts.push_back(slot.row);
  erased_keys_.emplace_back(table.prototype().New());
  row_key::set_key(*erased_keys_.back(), slot.key.view());
  changes.erased.push_back(erased_keys_.back().get());
}

}  // namespace sluice

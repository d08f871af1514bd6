#include "projectors/engine/tables/partition_tables.h"

#include "storage/base/check.h"

namespace sluice {

TableRows& Tables::add(const RowForm& form) {
  auto rows = std::make_unique<TableRows>(*this, form);
  for (const auto& other : tables_) {
    CHECK(other->prefix() != rows->prefix(), "table names hash to different prefixes");
  }
  tables_.push_back(std::move(rows));
  return *tables_.back();
}

void Tables::write_dirty(StateBatch& batch) {
  batch.reserve(dirty_rows_, dirty_bytes_);
  for (const auto& rows : tables_) rows->write_dirty(batch);
}

void Tables::mark_clean() {
  for (const auto& rows : tables_) rows->mark_clean();
  dirty_rows_ = 0;
  dirty_bytes_ = 0;
}

void Tables::drop() {
  for (const auto& rows : tables_) rows->drop();
  dirty_rows_ = 0;
  dirty_bytes_ = 0;
  bytes_ = 0;
  forget_orders();
}

// A clock: each round spares what was touched since the last, so two rounds meet everything.
void Tables::shrink_to(std::size_t bytes) {
  std::size_t blocks = 0;
  for (const auto& rows : tables_) blocks += rows->pool().blocks() + 1;
  const std::size_t beside = orders_ == nullptr ? order_bytes_ : 0;
  for (std::size_t swept = 0; bytes_ + beside > bytes && swept < 2 * blocks; ++swept) {
    TableRows& rows = *tables_[swept_table_];
    if (swept_block_ < rows.pool().blocks()) {
      rows.sweep(swept_block_++);
    } else {
      swept_block_ = 0;
      swept_table_ = (swept_table_ + 1) % tables_.size();
    }
  }
  for (const auto& rows : tables_) rows->pool().trim();
  // Orders cost more to have again.
  const auto enough = [&] {
    return orders_ == nullptr ? bytes_ + order_bytes_ <= bytes : !orders_->over();
  };
  for (int round = 0; round < 2 && !enough(); ++round) {
    for (const auto& rows : tables_) rows->sweep_observers(enough);
  }
}

}  // namespace sluice

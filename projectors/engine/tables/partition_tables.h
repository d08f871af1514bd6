#pragma once

// All tables of a partition together: what of them is to be written, and the memory that they take.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/tables/shared_bytes.h"
#include "projectors/engine/tables/table_rows.h"
#include "storage/base/position.h"
#include "storage/state_store.h"

namespace sluice {

// Owned by the partition's state; a projection's Table members register here when they are
// constructed and must not outlive it. Used by the partition's worker thread only.
class Tables {
 public:
  explicit Tables(StateStore& store) : store_(store) {}
  ~Tables() { forget_orders(); }
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  TableRows& add(const RowForm& form);

  [[nodiscard]] const std::vector<std::unique_ptr<TableRows>>& all() const { return tables_; }
  [[nodiscard]] StateStore& store() { return store_; }

  // Rows that the next flush writes, and about how many bytes they take.
  [[nodiscard]] std::size_t dirty_rows() const { return dirty_rows_; }
  [[nodiscard]] std::size_t dirty_bytes() const { return dirty_bytes_; }
  // What rows hold, changed or not, and orders over them.
  [[nodiscard]] std::size_t bytes() const { return bytes_ + order_bytes_; }
  [[nodiscard]] std::size_t row_bytes() const { return bytes_; }

  // Orders are held as long as `all` has room, and not with the rows: before there are any. It must
  // outlive this.
  void share_orders(SharedBytes& all) { orders_ = &all; }

  void write_dirty(StateBatch& batch);
  void mark_clean();
  void drop();
  // Forgets clean rows, such as were not touched lately first, until about `bytes` are held; then
  // orders, where that is too much, or those that are shared are too many.
  void shrink_to(std::size_t bytes);

  // Orders over rows hold so many bytes more, or less.
  void count_order_bytes(std::ptrdiff_t change) {
    order_bytes_ += static_cast<std::size_t>(change);
    if (orders_ != nullptr) orders_->count(change);
  }

  // Whose tables they are: from now on rows are made only where they belong, else Corrupt.
  void belong_to(Partition partition, int partitions) {
    partition_ = partition;
    partitions_ = partitions;
  }
  [[nodiscard]] Partition partition() const { return partition_; }
  // Rows that are made from now on are this key's; none: of whatever key, but of this partition.
  // Borrowed until the next call.
  void make_for(std::string_view key) { made_for_ = key; }

  // Scratch for building a key: one allocation for all tables, reused.
  std::string& key_scratch() {
    key_.clear();
    return key_;
  }

  // How many edits and erases there were: tells whether a fact has changed anything yet.
  [[nodiscard]] std::uint64_t edits() const { return edits_; }

 private:
  friend class TableRows;
  void forget_orders() { count_order_bytes(-static_cast<std::ptrdiff_t>(order_bytes_)); }

  StateStore& store_;
  std::vector<std::unique_ptr<TableRows>> tables_;
  std::size_t dirty_rows_ = 0;
  std::size_t dirty_bytes_ = 0;
  std::size_t bytes_ = 0;        // of rows
  std::size_t order_bytes_ = 0;  // of orders over them
  SharedBytes* orders_ = nullptr;
  // Where the next sweep begins: goes round all blocks of all tables.
  std::size_t swept_table_ = 0;
  std::size_t swept_block_ = 0;
  std::uint64_t edits_ = 0;
  Partition partition_;
  int partitions_ = 0;  // 0: they are nobody's, and nothing is required
  std::string_view made_for_;
  std::string key_;    // key_scratch()
  std::string value_;  // scratch
};

}  // namespace sluice

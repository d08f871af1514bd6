#pragma once

// Tables: what a projection keeps. A row is a protobuf message whose descriptor says its key
// (schemas/sluice/table.proto). Rows live in memory once touched and in the partition's StateStore.
//
// Used by the partition's worker thread only. References and pointers to rows are valid until the
// fold returns.

#include <memory>
#include <string>
#include <vector>

#include "projectors/engine/tables/row_key.h"
#include "projectors/engine/tables/row_range.h"
#include "projectors/engine/tables/shared_bytes.h"
#include "projectors/engine/tables/table_rows.h"
#include "storage/base/position.h"
#include "storage/state_store.h"

namespace sluice {

// A partition's tables. Owned by its projector; a projection's Table members register here when
// they are constructed and must not outlive it.
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

// A table of one row type. Keys are given as the values of the key fields in field order: text,
// integers, flags.
template <class Row>
class Table {
 public:
  explicit Table(Tables& tables) : tables_(&tables), rows_(&tables.add(RowForm::of<Row>())) {}

  // Null when there is no such row.
  template <class... Key>
  [[nodiscard]] const Row* find(const Key&... key) const {
    return static_cast<const Row*>(rows_->find(encode(key...)));
  }

  // The row to change, made with its key fields set when there is none.
  template <class... Key>
  [[nodiscard]] Row& edit(const Key&... key) {
    return static_cast<Row&>(rows_->edit(encode(key...)));
  }

  // The row that find() or edit() has returned, to change: without looking for it again.
  [[nodiscard]] Row& edit_found(const Row& row) {
    return static_cast<Row&>(rows_->edit_found(row));
  }

  // As edit(), for a row that is known not to be there (its like was just looked for, or its key is
  // new by what the fold keeps): the store is not asked. Were there one, it would be overwritten.
  template <class... Key>
  [[nodiscard]] Row& make(const Key&... key) {
    return static_cast<Row&>(rows_->make(encode(key...)));
  }

  // As edit(), to change only fields that are no columns (COLUMN_NONE): nothing is published. The
  // row must exist.
  template <class... Key>
  [[nodiscard]] Row& edit_unshown(const Key&... key) {
    return static_cast<Row&>(rows_->edit(encode(key...), false));
  }

  // Without such a row nothing happens.
  template <class... Key>
  void erase(const Key&... key) {
    rows_->erase(encode(key...));
  }

  // The rows whose leading key fields are these, in key order:
  //   for (const Row& row : table.prefix(conversation_id)) ...
  template <class... Key>
  [[nodiscard]] RowRange<Row> prefix(const Key&... leading) const {
    return RowRange<Row>(RowCursor(*rows_, encode(leading...)));
  }

  // For what is built over rows.
  [[nodiscard]] TableRows& rows() { return *rows_; }

 private:
  template <class... Key>
  const std::string& encode(const Key&... key) const {
    std::string& out = tables_->key_scratch();
    row_key::append_prefix(out, rows_->prefix());
    (row_key::append_part(out, key), ...);
    return out;
  }

  Tables* tables_;
  TableRows* rows_;
};

}  // namespace sluice

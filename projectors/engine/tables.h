#pragma once

// Tables: what a projection keeps. A row is a protobuf message whose descriptor says its key
// (schemas/sluice/table.proto). Rows live in memory once touched and in the partition's StateStore.
//
// Used by the partition's worker thread only. References and pointers to rows are valid until the
// fold returns.

#include <string>

#include "projectors/engine/tables/partition_tables.h"
#include "projectors/engine/tables/row_key.h"
#include "projectors/engine/tables/row_range.h"
#include "projectors/engine/tables/table_rows.h"

namespace sluice {

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

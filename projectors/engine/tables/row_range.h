#pragma once

#include <utility>

#include "projectors/engine/tables/table_rows.h"

namespace sluice {

// What Table::prefix() gives to a range-based for. Walked once.
template <class Row>
class RowRange {
 public:
  struct End {};
  class Iterator {
   public:
    explicit Iterator(RowCursor& cursor) : cursor_(&cursor) { ++*this; }
    const Row& operator*() const { return *row_; }
    const Row* operator->() const { return row_; }
    Iterator& operator++() {
      row_ = static_cast<const Row*>(cursor_->next());
      return *this;
    }
    friend bool operator==(const Iterator& i, End) { return i.row_ == nullptr; }

   private:
    RowCursor* cursor_;
    const Row* row_ = nullptr;
  };

  explicit RowRange(RowCursor cursor) : cursor_(std::move(cursor)) {}
  Iterator begin() { return Iterator(cursor_); }
  End end() { return {}; }

 private:
  RowCursor cursor_;
};

}  // namespace sluice

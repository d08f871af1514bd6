#pragma once

// Tables: what a projection keeps. A row is a protobuf message whose descriptor says its key
// (schemas/sluice/table.proto). Rows live in memory once touched and in the partition's StateStore.
//
// Used by the partition's worker thread only. References and pointers to rows are valid until the
// fold returns.

#include <google/protobuf/message.h>

#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/row_key.h"
#include "projectors/engine/row_observer.h"
#include "projectors/engine/row_pool.h"
#include "projectors/engine/shared_bytes.h"
#include "storage/state_store.h"

namespace sluice {

class Tables;

// Iterates the rows with a common leading key in key order, with all changes made before it began.
// The rows may be edited meanwhile; rows made meanwhile may or may not be met.
class RowCursor {
 public:
  RowCursor(class TableRows& rows, std::string prefix);
  [[nodiscard]] const google::protobuf::Message* next();  // null at the end

 private:
  TableRows& rows_;
  std::string prefix_;
  std::vector<RowSlot*> changed_;  // in key order
  std::size_t next_changed_ = 0;
  std::unique_ptr<StateCursor> stored_;
};

// One table's rows, whatever their type: dirty set and cache in one map, over the store.
class TableRows {
 public:
  TableRows(Tables& tables, const RowForm& form);

  [[nodiscard]] const google::protobuf::Message* find(std::string_view key);
  // Unless it `shows`, only fields that are no columns are to be changed.
  [[nodiscard]] google::protobuf::Message& edit(std::string_view key, bool shows = true);
  [[nodiscard]] google::protobuf::Message& edit_found(const google::protobuf::Message& row);
  [[nodiscard]] google::protobuf::Message& make(std::string_view key);
  void erase(std::string_view key);

  // Visits the rows with a common leading key, in no order, without keeping them in memory.
  void visit(const std::string& prefix,
             const std::function<void(const google::protobuf::Message&)>& each);

  // The observer must outlive this, or the last change.
  void observe(RowObserver& observer) { observers_.push_back(&observer); }
  // Tells observers what the rows have become that changed since they were last told.
  void tell_observers();
  void sweep_observers(const std::function<bool()>& enough);

  [[nodiscard]] const google::protobuf::Descriptor& row_type() const {
    return *prototype_.GetDescriptor();
  }
  [[nodiscard]] bool published() const { return published_; }
  [[nodiscard]] std::uint32_t prefix() const { return prefix_; }
  [[nodiscard]] const google::protobuf::Message& prototype() const { return prototype_; }

  // The slots that differ from the store, in key order.
  [[nodiscard]] const std::vector<RowSlot*>& dirty_in_key_order();
  // Puts them into the batch, in key order.
  void write_dirty(StateBatch& batch);
  void mark_clean();
  // Drops every slot, changed or not.
  void drop();
  // Drops the clean slots of a block that were not touched since the last sweep over it.
  void sweep(std::size_t block);
  [[nodiscard]] RowPool& pool() { return pool_; }

 private:
  friend class RowCursor;
  struct HashedKey {
    std::string_view key;
    std::uint64_t hash;
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const HashedKey& key) const { return key.hash; }
    std::size_t operator()(const RowSlot* slot) const { return slot->hash; }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const RowSlot* a, const RowSlot* b) const { return a == b; }
    bool operator()(const HashedKey& a, const RowSlot* b) const {
      return a.hash == b->hash && a.key == b->key.view();
    }
    bool operator()(const RowSlot* a, const HashedKey& b) const { return (*this)(b, a); }
  };
  // A slot beside the head of its key, so that sorting and searching seldom look at slots.
  struct Changed {
    std::array<std::uint64_t, 2> head;
    RowSlot* slot;
    bool operator<(const Changed& other) const {
      return head != other.head ? head < other.head : slot->key.view() < other.slot->key.view();
    }
  };

  RowSlot& slot(std::string_view key);
  google::protobuf::Message& edit(RowSlot& slot, bool shows);
  RowSlot& read(const HashedKey& key);
  // Takes a slot for a key that has none.
  RowSlot& add(const HashedKey& key);
  void make_dirty(RowSlot& slot, bool shows);
  void parse(std::string_view bytes, google::protobuf::Message& row) const;
  void tell_leaving(RowSlot& slot);
  void sort_changed();
  // The changed slots whose keys begin so, in key order.
  [[nodiscard]] std::vector<RowSlot*> changed_below(std::string_view prefix);

  Tables& tables_;
  const google::protobuf::Message& prototype_;
  const std::uint32_t prefix_;
  const std::vector<const google::protobuf::FieldDescriptor*> key_fields_;
  const bool published_;
  RowPool pool_;
  boost::unordered_flat_set<RowSlot*, Hash, Equal> slots_;
  std::vector<Changed> changed_;
  std::size_t sorted_ = 0;  // so many of changed_ are in key order
  std::vector<RowSlot*> in_key_order_;
  std::vector<RowObserver*> observers_;
  std::vector<RowSlot*> observed_;  // slots whose rows have left and not entered again
};

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
  [[nodiscard]] std::size_t bytes() const { return bytes_ + order_bytes_; }

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
  std::string key_;    // scratch
  std::string value_;  // scratch

 public:
  // Scratch for building a key: one allocation for all tables, reused.
  std::string& key_scratch() {
    key_.clear();
    return key_;
  }
};

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

#pragma once

// Tables: what a projection keeps. A row is a protobuf message whose descriptor says its key
// (schemas/sluice/table.proto). Rows live in memory once touched and in the partition's StateStore.
//
// Used by the partition's worker thread only. References and pointers to rows are valid until the
// fold returns.

#include <google/protobuf/message.h>

#include <boost/unordered/unordered_flat_set.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/row_key.h"
#include "storage/state_store.h"

namespace sluice {

class Tables;

// A row in memory, or the knowledge that there is none.
struct RowSlot {
  std::string key;                                 // encoded, with the table's prefix
  std::unique_ptr<google::protobuf::Message> row;  // null: no such row
  std::size_t bytes = 0;                           // what the slot counts for, about
  std::uint32_t used = 0;                          // the flush during which it was last touched
  bool dirty = false;                              // differs from the store, or may
};

// Iterates the rows with a common leading key in key order, with all changes made before it began.
// The rows may be edited meanwhile; rows made meanwhile may or may not be met.
class RowCursor {
 public:
  RowCursor(class TableRows& rows, std::string prefix);
  [[nodiscard]] const google::protobuf::Message* next();  // null at the end

 private:
  TableRows& rows_;
  std::string prefix_;
  std::vector<std::string_view> dirty_;  // keys in order; views into slots
  std::size_t next_dirty_ = 0;
  std::unique_ptr<StateCursor> stored_;
};

// One table's rows, whatever their type: dirty set and cache in one map, over the store.
class TableRows {
 public:
  TableRows(Tables& tables, const google::protobuf::Message& prototype);

  [[nodiscard]] const google::protobuf::Message* find(std::string_view key);
  [[nodiscard]] google::protobuf::Message& edit(std::string_view key);
  void erase(std::string_view key);

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
  // Drops clean slots not touched since flush `oldest`.
  void evict_before(std::uint32_t oldest);

 private:
  friend class RowCursor;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const;
    std::size_t operator()(const std::unique_ptr<RowSlot>& slot) const {
      return (*this)(slot->key);
    }
  };
  struct Equal {
    using is_transparent = void;
    static std::string_view key(std::string_view k) { return k; }
    static std::string_view key(const std::unique_ptr<RowSlot>& slot) { return slot->key; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return key(a) == key(b);
    }
  };

  RowSlot& slot(std::string_view key);
  void make_dirty(RowSlot& slot);

  Tables& tables_;
  const google::protobuf::Message& prototype_;
  const std::uint32_t prefix_;
  const bool published_;
  boost::unordered_flat_set<std::unique_ptr<RowSlot>, Hash, Equal> slots_;
  std::vector<RowSlot*> dirty_;
  std::size_t dirty_sorted_ = 0;  // so many of dirty_ are in key order
};

// A partition's tables. Owned by its projector; a projection's Table members register here when
// they are constructed and must not outlive it.
class Tables {
 public:
  explicit Tables(StateStore& store) : store_(store) {}
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  // `prototype` is a row type's default instance.
  TableRows& add(const google::protobuf::Message& prototype);

  [[nodiscard]] const std::vector<std::unique_ptr<TableRows>>& all() const { return tables_; }
  [[nodiscard]] StateStore& store() { return store_; }

  // Rows that the next flush writes, and about how many bytes they take.
  [[nodiscard]] std::size_t dirty_rows() const { return dirty_rows_; }
  [[nodiscard]] std::size_t dirty_bytes() const { return dirty_bytes_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  void write_dirty(StateBatch& batch);
  void mark_clean();
  void drop();
  // Forgets clean rows, those longest untouched first, until about `bytes` are held.
  void shrink_to(std::size_t bytes);

  // How many edits and erases there were: tells whether a fact has changed anything yet.
  [[nodiscard]] std::uint64_t edits() const { return edits_; }

 private:
  friend class TableRows;
  StateStore& store_;
  std::vector<std::unique_ptr<TableRows>> tables_;
  std::size_t dirty_rows_ = 0;
  std::size_t dirty_bytes_ = 0;
  std::size_t bytes_ = 0;
  std::uint32_t flushes_ = 0;
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
  explicit Table(Tables& tables) : tables_(&tables), rows_(&tables.add(Row::default_instance())) {}

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

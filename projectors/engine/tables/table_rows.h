#pragma once

// The rows of one table, whatever their type, in memory over the partition's StateStore; tables.h
// gives them types.

#include <google/protobuf/message.h>

#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/tables/row_key.h"
#include "projectors/engine/tables/row_observer.h"
#include "projectors/engine/tables/row_pool.h"
#include "schemas/descriptors/belonging.h"
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
  // Corrupt, of this and of make(): the row would be made under a key to which it does not belong.
  // Unless it `shows`, only fields that are no columns are to be changed.
  [[nodiscard]] google::protobuf::Message& edit(std::string_view key, bool shows = true);
  [[nodiscard]] google::protobuf::Message& edit_found(const google::protobuf::Message& row);
  [[nodiscard]] google::protobuf::Message& make(std::string_view key);
  void erase(std::string_view key);

  // Whether the row differs from the store, as far as is known here.
  [[nodiscard]] bool is_dirty(std::string_view key);

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
  void require_own(const RowSlot& made) const;
  [[noreturn]] void refuse(const google::protobuf::Message& row) const;
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
  const Belonging belonging_;
  RowPool pool_;
  boost::unordered_flat_set<RowSlot*, Hash, Equal> slots_;
  std::vector<Changed> changed_;
  std::size_t sorted_ = 0;  // so many of changed_ are in key order
  std::vector<RowSlot*> in_key_order_;
  std::vector<RowObserver*> observers_;
  std::vector<RowSlot*> observed_;  // slots whose rows have left and not entered again
};

}  // namespace sluice

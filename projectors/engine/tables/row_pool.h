#pragma once

// Memory of one table's rows: slot and row stand side by side, and a row that is given back leaves
// what it had allocated to the next one in its place.

#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice {

// A key's bytes, in the row's slot as long as they are few.
class RowKey {
 public:
  RowKey() = default;
  ~RowKey() { clear(); }
  RowKey(const RowKey&) = delete;
  RowKey& operator=(const RowKey&) = delete;

  void assign(std::string_view key);
  void clear();
  [[nodiscard]] std::string_view view() const {
    return {size_ <= sizeof bytes_ ? bytes_ : outside(), size_};
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  [[nodiscard]] char* outside() const {
    char* at = nullptr;
    std::memcpy(&at, bytes_, sizeof at);
    return at;
  }

  std::uint32_t size_ = 0;
  char bytes_[36];  // or, of a longer key, the address of its bytes
};

// A row in memory, or the knowledge that there is none. What a look-up touches stands in its first
// cache line.
struct RowSlot {
  std::uint64_t hash = 0;                     // of the key
  google::protobuf::Message* row = nullptr;   // null: no such row
  RowKey key;                                 // encoded, with the table's prefix
  bool held = false;                          // taken from the pool
  bool touched = false;                       // since a sweep last came by
  bool dirty = false;                         // differs from the store, or may
  bool shown = false;                         // and so may what is published of it
  std::uint32_t block = 0;                    // of the pool
  google::protobuf::Message* room = nullptr;  // where the row is made; empty while there is none
  std::size_t bytes = 0;                      // what the slot counts for, about
  std::uint8_t place = 0;                     // in the block
  bool observed = false;                      // observers know that it changes, not yet into what
};

// How rows of a type are made.
struct RowForm {
  const google::protobuf::Message& prototype;
  std::size_t size;
  google::protobuf::Message* (*make)(void* at);

  template <class Row>
  static RowForm of() {
    static_assert(alignof(Row) <= alignof(RowSlot), "a row follows its slot");
    return {Row::default_instance(), sizeof(Row),
            [](void* at) -> google::protobuf::Message* { return new (at) Row(); }};
  }
};

// Used by one thread.
class RowPool {
 public:
  explicit RowPool(const RowForm& form);
  ~RowPool() { clear(); }
  RowPool(const RowPool&) = delete;
  RowPool& operator=(const RowPool&) = delete;

  // Stays where it is until it is given back. It has no row.
  [[nodiscard]] RowSlot& take();
  void give_back(RowSlot& slot);
  // Of a row that stands in this pool.
  [[nodiscard]] RowSlot& slot_of(const google::protobuf::Message& row) const;
  // Gives back all.
  void clear();

  // To walk the slots: blocks, each with so many places or none.
  static constexpr std::size_t kPlaces = 64;
  [[nodiscard]] std::size_t blocks() const { return blocks_.size(); }
  [[nodiscard]] bool has_slots(std::size_t block) const { return blocks_[block].slots != nullptr; }
  [[nodiscard]] RowSlot& slot(std::size_t block, std::size_t place) const {
    return *reinterpret_cast<RowSlot*>(blocks_[block].slots.get() + place * stride_);
  }

  // What a slot takes with an empty row.
  [[nodiscard]] std::size_t slot_bytes() const { return stride_; }

  // Frees blocks without a slot that is held, but for a part that is soon taken again.
  void trim();

 private:
  struct Freed {
    void operator()(std::byte* slots) const;
  };
  struct Block {
    std::unique_ptr<std::byte[], Freed> slots;
    std::uint64_t free = 0;  // a bit a place
    bool open = false;       // in open_
  };

  void fill(std::size_t block);
  void empty(std::size_t block);

  const RowForm form_;
  const std::size_t stride_;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> open_;    // blocks with free places; full ones are met and dropped
  std::vector<std::uint32_t> vacant_;  // blocks without slots
};

}  // namespace sluice

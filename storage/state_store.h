#pragma once

// A partition's state: an ordered map of bytes. Technologies: memory/, rocksdb/.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Changes that become visible together. Later changes of a key win. Owns its bytes; reuse by
// clear().
class StateBatch {
 public:
  enum class Kind : unsigned char { put, erase, erase_range };
  struct Change {
    Kind kind;
    std::string_view key;    // erase_range: the first key erased
    std::string_view value;  // erase_range: the first key kept
  };

  // Room for about so much, so that growing copies nothing; what stays unused is never touched.
  void reserve(std::size_t changes, std::size_t bytes) {
    entries_.reserve(entries_.size() + changes);
    bytes_.reserve(bytes_.size() + bytes);
  }
  void put(std::string_view key, std::string_view value) { add(Kind::put, key, value); }
  // For a value that is written in place: returns where, to be filled before the next call.
  [[nodiscard]] char* put(std::string_view key, std::size_t value_size) {
    entries_.push_back({bytes_.size(), key.size(), value_size, Kind::put});
    bytes_.append(key).resize(bytes_.size() + value_size);
    return bytes_.data() + bytes_.size() - value_size;
  }
  void erase(std::string_view key) { add(Kind::erase, key, {}); }
  // Erases [from, to).
  void erase_range(std::string_view from, std::string_view to) { add(Kind::erase_range, from, to); }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }
  // In the order they were made. Borrowed: valid until the batch is changed.
  [[nodiscard]] Change change(std::size_t i) const {
    const Entry& e = entries_[i];
    const std::string_view all = bytes_;
    return {e.kind, all.substr(e.begin, e.key_size),
            all.substr(e.begin + e.key_size, e.value_size)};
  }
  // Keeps what it has allocated, unless that is much.
  void clear() {
    constexpr std::size_t kKept = std::size_t{1} << 20;
    if (bytes_.capacity() > kKept) {
      std::string().swap(bytes_);
      std::vector<Entry>().swap(entries_);
    }
    entries_.clear();
    bytes_.clear();
  }

 private:
  struct Entry {
    std::size_t begin;
    std::size_t key_size;
    std::size_t value_size;
    Kind kind;
  };

  void add(Kind kind, std::string_view key, std::string_view value) {
    entries_.push_back({bytes_.size(), key.size(), value.size(), kind});
    bytes_.append(key).append(value);
  }

  std::vector<Entry> entries_;
  std::string bytes_;
};

// Walks a range in ascending byte order, over the state as it was when the cursor was made.
class StateCursor {
 public:
  virtual ~StateCursor() = default;
  [[nodiscard]] virtual bool valid() const = 0;
  virtual void next() = 0;
  // Borrowed: valid until next().
  [[nodiscard]] virtual std::string_view key() const = 0;
  [[nodiscard]] virtual std::string_view value() const = 0;
};

// The state as it was at a moment. Used by one thread, which need not be the store's: the store
// goes on meanwhile. Must be gone before the store goes.
class StateSnapshot {
 public:
  virtual ~StateSnapshot() = default;
  // As StateStore::scan(). The snapshot must outlive the cursor.
  [[nodiscard]] virtual std::unique_ptr<StateCursor> scan(std::string_view from,
                                                          std::string_view to) const = 0;
};

// Used by one thread. Every function throws Retryable or Corrupt when the technology fails.
class StateStore {
 public:
  virtual ~StateStore() = default;

  // Copies the value into `value` and returns true; false when there is no such key.
  virtual bool get(std::string_view key, std::string& value) = 0;

  // Over [from, to); an empty `to` means to the end. The store must outlive the cursor.
  virtual std::unique_ptr<StateCursor> scan(std::string_view from, std::string_view to) = 0;

  // The state as it is now. Any thread may call this, but not during write() or clear(); the
  // latter takes the rows from under a snapshot, too.
  virtual std::unique_ptr<StateSnapshot> snapshot() = 0;

  // All or nothing. A crash may lose the newest batches, never one before a kept one.
  virtual void write(const StateBatch& batch) = 0;

  // Back to empty.
  virtual void clear() = 0;
};

}  // namespace sluice

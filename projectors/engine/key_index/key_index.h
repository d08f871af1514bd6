#pragma once

// Which records of a partition's log concern a key: kept with the state, in the batch of what was
// folded of them. So that a key can be folded alone.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "projectors/engine/key_index/posting.h"
#include "storage/state_store.h"

namespace sluice {

// How an index is laid out: for tests. Anything that was written with one shape is read with
// another.
struct KeyIndexShape {
  std::size_t page_bytes = 4096;
  std::size_t fan_in = 8;      // runs of a level that are merged into one of the next
  std::size_t merge_pace = 2;  // entries merged of each level an entry written, and at least ...
  std::size_t merge_least = 4096;  // ... so many a write
  std::int64_t time_every = 1000;  // offsets
};

// One a partition, used by its worker's thread. Keys in the store begin with 'k'. A key is known by
// a hash: who finds the records of another one compares.
//
// What one write adds is a run, sorted by hash; runs of a level are merged in the background of the
// writes that follow. A look-up reads a page of each run, of which there are less than fan_in a
// level.
class KeyIndex {
 public:
  explicit KeyIndex(StateStore& store, const KeyIndexShape& shape = {});
  ~KeyIndex();

  // Of what is written from now on.
  void set_shape(const KeyIndexShape& shape);

  // Learns which runs the store has, and forgets what was not written. Until then, and after a
  // false, nothing is kept, and no call costs anything.
  void load(bool kept);
  [[nodiscard]] bool kept() const { return parts_ != nullptr; }

  // The record at this offset is met, of the key whose rows it may touch, at this record time.
  // Offsets ascend.
  void meet(Offset offset, std::string_view key, Time record_time);
  // While it is folded a timer of this key has its turn.
  void fired(std::string_view key, Time record_time);
  // What is to be said of the record; its offset is that of the one that was met.
  void add(Posting posting);

  // Adds what came since the last write to the batch, `to` being behind it. The batch must be
  // written before anything else is asked; when that fails, load().
  void write(StateBatch& batch, Offset to);
  void forget_unwritten();
  // Of a key, what no write has told yet.
  [[nodiscard]] Postings unwritten(std::string_view key) const;

  // Memory held, about, and what of it is for what was not written.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::size_t unwritten_bytes() const;

 private:
  struct Parts;
  StateStore& store_;
  KeyIndexShape shape_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice

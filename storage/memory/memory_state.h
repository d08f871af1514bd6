#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/state_store.h"

namespace sluice {

// What a MemoryStateStore holds, as a value: it outlives the store as a disk outlives a process, a
// copy is a checkpoint, and it can lose its newest batches as a disk without fsync can.
class MemoryState {
 public:
  using Rows = std::map<std::string, std::string, std::less<>>;

  // Remembers what is needed to lose the newest `batches`.
  explicit MemoryState(std::size_t batches = 64) : remembered_(batches) {}

  [[nodiscard]] const Rows& rows() const { return *rows_; }
  // The rows as they are now, for as long as they are wanted.
  [[nodiscard]] std::shared_ptr<const Rows> snapshot() const { return rows_; }

  void write(const StateBatch& batch);
  // Counts as a batch.
  void clear();

  // Has the rows of another, none of which can be lost.
  void become(const MemoryState& other) {
    rows_ = other.rows_;
    undo_.clear();
  }

  // Undoes the newest batches, as many as are remembered; returns how many that were.
  std::size_t lose_newest(std::size_t batches);

 private:
  // Old values, in the order in which they were replaced; nullopt: there was none.
  using Undo = std::vector<std::pair<std::string, std::optional<std::string>>>;

  Rows& own_rows();
  void remember(Undo undo);

  std::size_t remembered_;
  // Shared with snapshots and copies until the next change.
  std::shared_ptr<Rows> rows_ = std::make_shared<Rows>();
  std::deque<Undo> undo_;
};

// A handle as a process has one; making another on the same state is a restart.
class MemoryStateStore final : public StateStore {
 public:
  explicit MemoryStateStore(MemoryState& state) : state_(state) {}

  bool get(std::string_view key, std::string& value) override;
  std::unique_ptr<StateCursor> scan(std::string_view from, std::string_view to) override;
  std::unique_ptr<StateSnapshot> snapshot() override;
  void write(const StateBatch& batch) override { state_.write(batch); }
  void clear() override { state_.clear(); }

 private:
  MemoryState& state_;
};

}  // namespace sluice

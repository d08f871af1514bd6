#include "storage/memory/memory_state.h"

#include <algorithm>

namespace sluice {
namespace {

class MemoryCursor final : public StateCursor {
 public:
  MemoryCursor(std::shared_ptr<const MemoryState::Rows> rows, std::string_view from,
               std::string_view to)
      : rows_(std::move(rows)),
        at_(rows_->lower_bound(from)),
        end_(to.empty() ? rows_->end() : rows_->lower_bound(std::max(from, to))) {}

  [[nodiscard]] bool valid() const override { return at_ != end_; }
  void next() override { ++at_; }
  [[nodiscard]] std::string_view key() const override { return at_->first; }
  [[nodiscard]] std::string_view value() const override { return at_->second; }

 private:
  std::shared_ptr<const MemoryState::Rows> rows_;
  MemoryState::Rows::const_iterator at_;
  MemoryState::Rows::const_iterator end_;
};

class MemorySnapshot final : public StateSnapshot {
 public:
  explicit MemorySnapshot(std::shared_ptr<const MemoryState::Rows> rows) : rows_(std::move(rows)) {}
  [[nodiscard]] std::unique_ptr<StateCursor> scan(std::string_view from,
                                                  std::string_view to) const override {
    return std::make_unique<MemoryCursor>(rows_, from, to);
  }

 private:
  std::shared_ptr<const MemoryState::Rows> rows_;
};

}  // namespace

void MemoryState::write(const StateBatch& batch) {
  Rows& rows = own_rows();
  Undo undo;
  undo.reserve(batch.size());
  const auto erase = [&](Rows::iterator at) {
    const auto after = std::next(at);
    auto node = rows.extract(at);
    undo.emplace_back(std::move(node.key()), std::move(node.mapped()));
    return after;
  };
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const StateBatch::Change change = batch.change(i);
    auto at = rows.lower_bound(change.key);
    const bool found = at != rows.end() && at->first == change.key;
    switch (change.kind) {
      case StateBatch::Kind::put:
        if (found) {
          undo.emplace_back(change.key, std::exchange(at->second, std::string(change.value)));
        } else {
          rows.emplace_hint(at, change.key, change.value);
          undo.emplace_back(change.key, std::nullopt);
        }
        break;
      case StateBatch::Kind::erase:
        if (found) erase(at);
        break;
      case StateBatch::Kind::erase_range:
        while (at != rows.end() && at->first < change.value) at = erase(at);
        break;
    }
  }
  remember(std::move(undo));
}

void MemoryState::clear() {
  Rows& rows = own_rows();
  Undo undo;
  undo.reserve(rows.size());
  for (auto& [key, value] : rows) undo.emplace_back(key, std::move(value));
  rows.clear();
  remember(std::move(undo));
}

std::size_t MemoryState::lose_newest(std::size_t batches) {
  const std::size_t lost = std::min(batches, undo_.size());
  if (lost == 0) return 0;
  Rows& rows = own_rows();
  for (std::size_t i = 0; i < lost; ++i) {
    Undo& undo = undo_.back();
    for (auto change = undo.rbegin(); change != undo.rend(); ++change) {
      auto& [key, value] = *change;
      if (value) {
        rows.insert_or_assign(std::move(key), std::move(*value));
      } else {
        rows.erase(key);
      }
    }
    undo_.pop_back();
  }
  return lost;
}

MemoryState::Rows& MemoryState::own_rows() {
  if (rows_.use_count() > 1) rows_ = std::make_shared<Rows>(*rows_);
  return *rows_;
}

void MemoryState::remember(Undo undo) {
  undo_.push_back(std::move(undo));
  if (undo_.size() > remembered_) undo_.pop_front();
}

bool MemoryStateStore::get(std::string_view key, std::string& value) {
  const auto found = state_.rows().find(key);
  if (found == state_.rows().end()) return false;
  value = found->second;
  return true;
}

std::unique_ptr<StateCursor> MemoryStateStore::scan(std::string_view from, std::string_view to) {
  return std::make_unique<MemoryCursor>(state_.snapshot(), from, to);
}

std::unique_ptr<StateSnapshot> MemoryStateStore::snapshot() {
  // A copy: rows that are shared with another thread could not be told from rows that were.
  return std::make_unique<MemorySnapshot>(std::make_shared<const MemoryState::Rows>(state_.rows()));
}

}  // namespace sluice

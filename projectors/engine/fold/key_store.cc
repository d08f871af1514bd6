#include "projectors/engine/fold/key_store.h"

#include <algorithm>

namespace sluice {
namespace {

class Cursor final : public StateCursor {
 public:
  Cursor(const KeyStore::Rows& rows, std::string_view from, std::string_view to)
      : at_(rows.lower_bound(from)),
        end_(to.empty() ? rows.end() : rows.lower_bound(std::max(from, to))) {}
  [[nodiscard]] bool valid() const override { return at_ != end_; }
  void next() override { ++at_; }
  [[nodiscard]] std::string_view key() const override { return at_->first; }
  [[nodiscard]] std::string_view value() const override { return at_->second; }

 private:
  KeyStore::Rows::const_iterator at_;
  KeyStore::Rows::const_iterator end_;
};

class Snapshot final : public StateSnapshot {
 public:
  explicit Snapshot(KeyStore::Rows rows) : rows_(std::move(rows)) {}
  [[nodiscard]] std::unique_ptr<StateCursor> scan(std::string_view from,
                                                  std::string_view to) const override {
    return std::make_unique<Cursor>(rows_, from, to);
  }

 private:
  const KeyStore::Rows rows_;
};

}  // namespace

bool KeyStore::get(std::string_view key, std::string& value) {
  const auto found = rows_.find(key);
  if (found == rows_.end()) return false;
  value = found->second;
  return true;
}

std::unique_ptr<StateCursor> KeyStore::scan(std::string_view from, std::string_view to) {
  return std::make_unique<Cursor>(rows_, from, to);
}

std::unique_ptr<StateSnapshot> KeyStore::snapshot() { return std::make_unique<Snapshot>(rows_); }

void KeyStore::write(const StateBatch& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const StateBatch::Change change = batch.change(i);
    const auto first = rows_.lower_bound(change.key);
    switch (change.kind) {
      case StateBatch::Kind::put:
        rows_.insert_or_assign(std::string(change.key), std::string(change.value));
        break;
      case StateBatch::Kind::erase:
        rows_.erase(first, rows_.upper_bound(change.key));
        break;
      case StateBatch::Kind::erase_range:
        if (change.key < change.value) rows_.erase(first, rows_.lower_bound(change.value));
        break;
    }
  }
}

}  // namespace sluice

#pragma once

// Where a key is folded alone: in memory, and never undone.

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "storage/state_store.h"

namespace sluice {

// Used by one thread. A cursor is valid until the next write().
class KeyStore final : public StateStore {
 public:
  bool get(std::string_view key, std::string& value) override;
  std::unique_ptr<StateCursor> scan(std::string_view from, std::string_view to) override;
  // A copy.
  std::unique_ptr<StateSnapshot> snapshot() override;
  void write(const StateBatch& batch) override;
  void clear() override { rows_.clear(); }

  using Rows = std::map<std::string, std::string, std::less<>>;

 private:
  Rows rows_;
};

}  // namespace sluice

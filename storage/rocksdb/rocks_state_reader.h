#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "storage/state_store.h"

namespace sluice {

// A partition's state beside the process that keeps it, or while none does: as it was when this was
// made. Changes nothing. One thread; throws as RocksStateStore.
class RocksStateReader {
 public:
  // Misconfigured: there is no state.
  explicit RocksStateReader(const std::filesystem::path& directory);
  ~RocksStateReader();

  [[nodiscard]] bool get(std::string_view key, std::string& value) const;
  [[nodiscard]] std::unique_ptr<StateCursor> scan(std::string_view from, std::string_view to) const;

 private:
  struct Database;
  std::unique_ptr<Database> db_;
};

}  // namespace sluice

#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>

#include "storage/state_store.h"

namespace sluice {

// Made by RocksStateStore::scan(). An error in the middle is thrown, so a cursor that is no longer
// valid has reached the end.
class RocksCursor final : public StateCursor {
 public:
  // Of the state as it is now, or as it was at the snapshot, whose reader passes once over what the
  // cache need not keep.
  RocksCursor(rocksdb::DB& db, std::string_view from, std::string_view to,
              const rocksdb::Snapshot* snapshot = nullptr);

  [[nodiscard]] bool valid() const override { return at_->Valid(); }
  void next() override;
  [[nodiscard]] std::string_view key() const override { return at_->key().ToStringView(); }
  [[nodiscard]] std::string_view value() const override { return at_->value().ToStringView(); }

 private:
  void require_sound() const;

  const std::string to_;
  const rocksdb::Slice bound_;  // the iterator keeps a pointer to it
  std::unique_ptr<rocksdb::Iterator> at_;
};

}  // namespace sluice

#include "storage/rocksdb/rocks_cursor.h"

#include "storage/rocksdb/rocks_status.h"

namespace sluice {

RocksCursor::RocksCursor(rocksdb::DB& db, std::string_view from, std::string_view to,
                         const rocksdb::Snapshot* snapshot)
    : to_(to), bound_(to_) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.fill_cache = snapshot == nullptr;
  if (!to_.empty()) options.iterate_upper_bound = &bound_;
  at_.reset(db.NewIterator(options));
  at_->Seek(from);
  require_sound();
}

void RocksCursor::next() {
  at_->Next();
  require_sound();
}

void RocksCursor::require_sound() const {
  if (!at_->Valid()) check_state(at_->status(), "scan state");
}

}  // namespace sluice

#include "projectors/engine/tables.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "schemas/sluice/row_options.h"
#include "storage/check.h"
#include "storage/errors.h"

namespace sluice {
namespace {

// What a slot takes beside its row: itself, two allocations, its place in the map. A row in memory
// takes about three times its serialized bytes.
constexpr std::size_t kSlotBytes = 160;
constexpr std::size_t kRowFactor = 3;

bool by_key(const RowSlot* a, const RowSlot* b) { return a->key < b->key; }

}  // namespace

// RowCursor: merges the store's rows with the changed ones, which win.

RowCursor::RowCursor(TableRows& rows, std::string prefix)
    : rows_(rows), prefix_(std::move(prefix)) {
  const std::string end = row_key::after_prefix(prefix_);
  stored_ = rows_.tables_.store().scan(prefix_, end);
  const auto& dirty = rows_.dirty_in_key_order();
  const auto first =
      std::lower_bound(dirty.begin(), dirty.end(), prefix_,
                       [](const RowSlot* slot, const std::string& p) { return slot->key < p; });
  for (auto it = first; it != dirty.end() && (*it)->key.starts_with(prefix_); ++it) {
    dirty_.push_back((*it)->key);
  }
}

const google::protobuf::Message* RowCursor::next() {
  for (;;) {
    const bool more_dirty = next_dirty_ < dirty_.size();
    if (!stored_->valid() && !more_dirty) return nullptr;
    const google::protobuf::Message* row = nullptr;
    if (more_dirty && (!stored_->valid() || dirty_[next_dirty_] <= stored_->key())) {
      const std::string_view key = dirty_[next_dirty_++];
      if (stored_->valid() && stored_->key() == key) stored_->next();
      row = rows_.find(key);
    } else {
      // Through the map, so that an edit made during the walk is seen and the row outlives the
      // cursor's step.
      row = rows_.find(stored_->key());
      stored_->next();
    }
    if (row != nullptr) return row;
  }
}

// TableRows

TableRows::TableRows(Tables& tables, const google::protobuf::Message& prototype)
    : tables_(tables),
      prototype_(prototype),
      prefix_(row_key::table_prefix(*prototype.GetDescriptor())),
      published_(is_published(*prototype.GetDescriptor())) {
  CHECK(!key_fields(row_type()).empty(), "a row has a key");
}

std::size_t TableRows::Hash::operator()(std::string_view key) const {
  return XXH3_64bits(key.data(), key.size());
}

RowSlot& TableRows::slot(std::string_view key) {
  const auto found = slots_.find(key);
  if (found != slots_.end()) {
    (*found)->used = tables_.flushes_;
    return **found;
  }
  auto slot = std::make_unique<RowSlot>();
  slot->key = key;
  slot->used = tables_.flushes_;
  slot->bytes = kSlotBytes + key.size();
  std::string& value = tables_.value_;
  if (tables_.store_.get(key, value)) {
    slot->row.reset(prototype_.New());
    if (!slot->row->ParseFromString(value)) {
      throw Corrupt("a row of table " + row_type().full_name() +
                    " in the state store cannot be read");
    }
    slot->bytes += kRowFactor * value.size();
  }
  tables_.bytes_ += slot->bytes;
  return **slots_.insert(std::move(slot)).first;
}

void TableRows::make_dirty(RowSlot& slot) {
  ++tables_.edits_;
  if (slot.dirty) return;
  slot.dirty = true;
  dirty_.push_back(&slot);
  ++tables_.dirty_rows_;
  tables_.dirty_bytes_ += slot.bytes;
}

const google::protobuf::Message* TableRows::find(std::string_view key) {
  return slot(key).row.get();
}

google::protobuf::Message& TableRows::edit(std::string_view key) {
  RowSlot& edited = slot(key);
  make_dirty(edited);
  if (!edited.row) {
    edited.row.reset(prototype_.New());
    row_key::set_key(*edited.row, edited.key);
  }
  return *edited.row;
}

void TableRows::erase(std::string_view key) {
  RowSlot& erased = slot(key);
  if (!erased.row) return;
  make_dirty(erased);
  erased.row.reset();
}

const std::vector<RowSlot*>& TableRows::dirty_in_key_order() {
  if (dirty_sorted_ < dirty_.size()) {
    const auto middle = dirty_.begin() + static_cast<std::ptrdiff_t>(dirty_sorted_);
    std::sort(middle, dirty_.end(), by_key);
    std::inplace_merge(dirty_.begin(), middle, dirty_.end(), by_key);
    dirty_sorted_ = dirty_.size();
  }
  return dirty_;
}

void TableRows::write_dirty(StateBatch& batch) {
  std::string& value = tables_.value_;
  for (RowSlot* slot : dirty_in_key_order()) {
    if (slot->row) {
      slot->row->SerializeToString(&value);
      batch.put(slot->key, value);
      tables_.bytes_ -= slot->bytes;
      slot->bytes = kSlotBytes + slot->key.size() + kRowFactor * value.size();
      tables_.bytes_ += slot->bytes;
    } else {
      batch.erase(slot->key);
    }
  }
}

void TableRows::mark_clean() {
  for (RowSlot* slot : dirty_) slot->dirty = false;
  dirty_.clear();
  dirty_sorted_ = 0;
}

void TableRows::drop() {
  dirty_.clear();
  dirty_sorted_ = 0;
  slots_.clear();
}

void TableRows::evict_before(std::uint32_t oldest) {
  boost::unordered::erase_if(slots_, [&](const std::unique_ptr<RowSlot>& slot) {
    if (slot->dirty || slot->used >= oldest) return false;
    tables_.bytes_ -= slot->bytes;
    return true;
  });
}

// Tables

TableRows& Tables::add(const google::protobuf::Message& prototype) {
  auto rows = std::make_unique<TableRows>(*this, prototype);
  for (const auto& other : tables_) {
    CHECK(other->prefix() != rows->prefix(), "table names hash to different prefixes");
  }
  tables_.push_back(std::move(rows));
  return *tables_.back();
}

void Tables::write_dirty(StateBatch& batch) {
  for (const auto& rows : tables_) rows->write_dirty(batch);
}

void Tables::mark_clean() {
  for (const auto& rows : tables_) rows->mark_clean();
  dirty_rows_ = 0;
  dirty_bytes_ = 0;
  ++flushes_;
}

void Tables::drop() {
  for (const auto& rows : tables_) rows->drop();
  dirty_rows_ = 0;
  dirty_bytes_ = 0;
  bytes_ = 0;
}

void Tables::shrink_to(std::size_t bytes) {
  // Halves the age that is kept until it fits; a sweep costs as much as the cache is large, so each
  // frees a good part of it.
  for (std::uint32_t age = flushes_; bytes_ > bytes; age /= 2) {
    for (const auto& rows : tables_) rows->evict_before(flushes_ - age);
    if (age == 0) break;
  }
}

}  // namespace sluice

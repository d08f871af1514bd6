#include "projectors/engine/tables/table_rows.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "projectors/engine/tables/partition_tables.h"
#include "projectors/engine/tables/stored_key.h"
#include "schemas/descriptors/row_options.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"

namespace sluice {
namespace {

// What a row has allocated beside itself is about twice its serialized bytes.
constexpr std::size_t kRowFactor = 2;
// A slot's place in the map, and in the list of changes.
constexpr std::size_t kIndexBytes = 40;

// So many changes are searched as they come before they are put in order.
constexpr std::size_t kUnsortedMax = 1024;

constexpr std::size_t kPrefixBytes = 4;  // the same for all keys of a table

// What of a key decides nearly every comparison: the bytes behind the table's prefix, as numbers.
std::array<std::uint64_t, 2> head_of(std::string_view key) {
  std::array<std::uint64_t, 2> head{};
  key.remove_prefix(kPrefixBytes);
  std::memcpy(head.data(), key.data(), std::min(key.size(), sizeof head));
  static_assert(std::endian::native == std::endian::little, "numbers that compare as bytes do");
  return {__builtin_bswap64(head[0]), __builtin_bswap64(head[1])};
}

bool by_key(const RowSlot* a, const RowSlot* b) { return a->key.view() < b->key.view(); }

}  // namespace

// RowCursor: merges the store's rows with the changed ones, which win.

RowCursor::RowCursor(TableRows& rows, std::string prefix)
    : rows_(rows),
      prefix_(std::move(prefix)),
      changed_(rows.changed_below(prefix_)),
      stored_(rows.tables_.store().scan(prefix_, row_key::after_prefix(prefix_))) {}

const google::protobuf::Message* RowCursor::next() {
  for (;;) {
    const bool more_changed = next_changed_ < changed_.size();
    if (!stored_->valid() && !more_changed) return nullptr;
    const google::protobuf::Message* row = nullptr;
    if (more_changed &&
        (!stored_->valid() || changed_[next_changed_]->key.view() <= stored_->key())) {
      const RowSlot& slot = *changed_[next_changed_++];
      if (stored_->valid() && stored_->key() == slot.key.view()) stored_->next();
      row = slot.row;
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

TableRows::TableRows(Tables& tables, const RowForm& form)
    : tables_(tables),
      prototype_(form.prototype),
      prefix_(row_key::table_prefix(row_type())),
      key_fields_(sluice::key_fields(row_type())),
      published_(is_published(row_type())),
      belonging_(row_type()),
      pool_(form) {
  CHECK(!key_fields_.empty(), "a row has a key");
}

RowSlot& TableRows::slot(std::string_view key) {
  const HashedKey hashed{key, XXH3_64bits(key.data(), key.size())};
  const auto found = slots_.find(hashed);
  if (found == slots_.end()) return read(hashed);
  (*found)->touched = true;
  return **found;
}

RowSlot& TableRows::add(const HashedKey& key) {
  RowSlot& slot = pool_.take();
  slot.key.assign(key.key);
  slot.hash = key.hash;
  slot.touched = true;
  slot.bytes = pool_.slot_bytes() + kIndexBytes + key.key.size();
  slots_.insert(&slot);
  tables_.bytes_ += slot.bytes;
  return slot;
}

RowSlot& TableRows::read(const HashedKey& key) {
  std::string& value = tables_.value_;
  const bool stored = tables_.store_.get(key.key, value);
  RowSlot& slot = add(key);
  if (!stored) return slot;
  slot.row = slot.room;
  parse(value, *slot.row);
  row_key::require_key_of(*slot.row, key_fields_, key.key);
  slot.bytes += kRowFactor * value.size();
  tables_.bytes_ += kRowFactor * value.size();
  return slot;
}

void TableRows::make_dirty(RowSlot& slot, bool shows) {
  // A key is folded alone (fold/key_refold.h): what another key's record did to its rows would be
  // missing there. One that is made is looked at once it has its key.
  if (slot.row != nullptr && !tables_.made_for_.empty()) require_own(slot);
  ++tables_.edits_;
  if (!observers_.empty() && !slot.observed) tell_leaving(slot);
  slot.shown |= shows;
  if (slot.dirty) return;
  slot.dirty = true;
  changed_.push_back({head_of(slot.key.view()), &slot});
  ++tables_.dirty_rows_;
  tables_.dirty_bytes_ += slot.bytes;
}

const google::protobuf::Message* TableRows::find(std::string_view key) { return slot(key).row; }

google::protobuf::Message& TableRows::make(std::string_view key) {
  const HashedKey hashed{key, XXH3_64bits(key.data(), key.size())};
  const auto found = slots_.find(hashed);
  return edit(found == slots_.end() ? add(hashed) : **found, true);
}

google::protobuf::Message& TableRows::edit(std::string_view key, bool shows) {
  return edit(slot(key), shows);
}

google::protobuf::Message& TableRows::edit_found(const google::protobuf::Message& row) {
  return edit(pool_.slot_of(row), true);
}

google::protobuf::Message& TableRows::edit(RowSlot& edited, bool shows) {
  make_dirty(edited, shows);
  if (edited.row == nullptr) {
    CHECK(shows, "a row that is made is shown");
    edited.row = edited.room;
    row_key::set_key(*edited.row, key_fields_, edited.key.view());
    require_own(edited);
  }
  return *edited.row;
}

// Nearly every row's key begins with its record's key as it is, which needs no look at the row.
void TableRows::require_own(const RowSlot& made) const {
  if (tables_.partitions_ == 0 || belonging_.engines_own()) return;
  const std::string_view key = tables_.made_for_;
  const std::string_view encoded = made.key.view().substr(kPrefixBytes);
  if (belonging_.by_leading_field() && !key.empty() && encoded.size() >= key.size() + 2 &&
      encoded.starts_with(key) && encoded[key.size()] == 0 && encoded[key.size() + 1] == 0) {
    return;
  }
  const google::protobuf::Message& row = *made.row;
  const bool own =
      belonging_.per_partition() ? belonging_.partition_of(row) == tables_.partition_.value
      : key.empty()
          ? partition_of(belonging_.key_of(row), tables_.partitions_) == tables_.partition_
          : belonging_.key_of(row) == key;
  if (!own) refuse(row);
}

void TableRows::refuse(const google::protobuf::Message& row) const {
  std::string text =
      "a row of table " + row_type().full_name() + " {" + row.ShortDebugString() + "} ";
  if (belonging_.per_partition()) {
    throw Corrupt(text + "is another partition's than " + std::to_string(tables_.partition_.value) +
                  ": a table that is per_partition is keyed by Effects::partition() "
                  "(docs/own_domain.md)");
  }
  text += "belongs to the key \"" + belonging_.key_of(row) + "\" and would be made or changed ";
  text +=
      tables_.made_for_.empty()
          ? "in partition " + std::to_string(tables_.partition_.value) + ", which is not that key's"
          : "by a record of the key \"" + std::string(tables_.made_for_) + "\"";
  throw Corrupt(
      text +
      ": two partitions would write one row. Say which key it belongs to by belongs_to, or "
      "that the table is per_partition and add up in a view, or emit a fact of that key "
      "(docs/own_domain.md)");
}

bool TableRows::is_dirty(std::string_view key) { return slot(key).dirty; }

void TableRows::erase(std::string_view key) {
  RowSlot& erased = slot(key);
  if (erased.row == nullptr) return;
  make_dirty(erased, true);
  erased.row->Clear();
  erased.row = nullptr;
}

void TableRows::sort_changed() {
  const auto middle = changed_.begin() + static_cast<std::ptrdiff_t>(sorted_);
  std::sort(middle, changed_.end());
  std::inplace_merge(changed_.begin(), middle, changed_.end());
  sorted_ = changed_.size();
}

std::vector<RowSlot*> TableRows::changed_below(std::string_view prefix) {
  if (changed_.size() - sorted_ > kUnsortedMax) sort_changed();
  std::vector<RowSlot*> below;
  const auto middle = changed_.begin() + static_cast<std::ptrdiff_t>(sorted_);
  const auto head = head_of(prefix);
  auto at = std::partition_point(changed_.begin(), middle, [&](const Changed& changed) {
    return changed.head < head || (changed.head == head && changed.slot->key.view() < prefix);
  });
  for (; at != middle && at->slot->key.view().starts_with(prefix); ++at) below.push_back(at->slot);
  for (at = middle; at != changed_.end(); ++at) {
    if (at->slot->key.view().starts_with(prefix)) below.push_back(at->slot);
  }
  std::sort(below.begin(), below.end(), by_key);
  return below;
}

const std::vector<RowSlot*>& TableRows::dirty_in_key_order() {
  sort_changed();
  in_key_order_.clear();
  for (const Changed& changed : changed_) in_key_order_.push_back(changed.slot);
  return in_key_order_;
}

void TableRows::write_dirty(StateBatch& batch) {
  sort_changed();
  for (const Changed& changed : changed_) {
    RowSlot& slot = *changed.slot;
    if (slot.row == nullptr) {
      batch.erase(slot.key.view());
      continue;
    }
    const std::size_t size = slot.row->ByteSizeLong();
    auto* value = reinterpret_cast<std::uint8_t*>(batch.put(slot.key.view(), size));
    slot.row->SerializeWithCachedSizesToArray(value);
    tables_.bytes_ -= slot.bytes;
    slot.bytes = pool_.slot_bytes() + kIndexBytes + slot.key.size() + kRowFactor * size;
    tables_.bytes_ += slot.bytes;
  }
}

void TableRows::mark_clean() {
  tell_observers();  // a clean slot may be given to another row
  for (RowObserver* observer : observers_) observer->written();
  for (const Changed& changed : changed_) changed.slot->dirty = changed.slot->shown = false;
  changed_.clear();
  sorted_ = 0;
}

void TableRows::drop() {
  changed_.clear();
  sorted_ = 0;
  slots_.clear();
  pool_.clear();
  observed_.clear();
  for (RowObserver* observer : observers_) observer->forget();
}

void TableRows::tell_leaving(RowSlot& slot) {
  slot.observed = true;
  observed_.push_back(&slot);
  if (slot.row == nullptr) return;
  for (RowObserver* observer : observers_) observer->leave(*slot.row);
}

void TableRows::tell_observers() {
  for (RowSlot* slot : observed_) {
    slot->observed = false;
    if (slot->row == nullptr) continue;
    for (RowObserver* observer : observers_) observer->enter(*slot->row);
  }
  observed_.clear();
}

void TableRows::sweep_observers(const std::function<bool()>& enough) {
  for (RowObserver* observer : observers_) observer->sweep(enough);
}

void TableRows::visit(const std::string& prefix,
                      const std::function<void(const google::protobuf::Message&)>& each) {
  for (const RowSlot* slot : changed_below(prefix)) {
    if (slot->row != nullptr) each(*slot->row);
  }
  const std::unique_ptr<google::protobuf::Message> row(prototype_.New());
  const auto stored = tables_.store_.scan(prefix, row_key::after_prefix(prefix));
  for (; stored->valid(); stored->next()) {
    const std::string_view key = stored->key();
    const auto found = slots_.find(HashedKey{key, XXH3_64bits(key.data(), key.size())});
    if (found != slots_.end() && (*found)->dirty) continue;
    parse(stored->value(), *row);
    row_key::require_key_of(*row, key_fields_, key);
    each(*row);
  }
}

void TableRows::parse(std::string_view bytes, google::protobuf::Message& row) const {
  row_key::parse_stored(row, bytes);
}

void TableRows::sweep(std::size_t block) {
  if (!pool_.has_slots(block)) return;
  for (std::size_t place = 0; place < RowPool::kPlaces; ++place) {
    RowSlot& slot = pool_.slot(block, place);
    if (!slot.held || slot.dirty) continue;
    if (std::exchange(slot.touched, false)) continue;
    tables_.bytes_ -= slot.bytes;
    const auto at = slots_.find(HashedKey{slot.key.view(), slot.hash});
    CHECK(at != slots_.end(), "a held slot is in the map");
    slots_.erase(at);
    pool_.give_back(slot);
  }
}

}  // namespace sluice

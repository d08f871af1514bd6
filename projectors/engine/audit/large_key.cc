#include "projectors/engine/audit/large_key.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "projectors/engine/tables/row_key.h"
#include "projectors/engine/tables/stored_key.h"
#include "schemas/descriptors/belonging.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

using google::protobuf::Message;

// What a state has of a key in a range beyond what it should have.
constexpr std::size_t kExtraMax = 100'000;

std::string table_prefix(const TableRows& table) {
  std::string prefix;
  row_key::append_prefix(prefix, table.prefix());
  return prefix;
}

// Where the rows of the key stand together, or else all of the table.
std::string rows_prefix(const TableRows& table, const std::string& key) {
  std::string prefix = table_prefix(table);
  if (Belonging(table.row_type()).by_leading_field()) row_key::append_part(prefix, key);
  return prefix;
}

std::string behind(std::string key) {
  key.push_back('\0');
  return key;
}

}  // namespace

LargeKeyLook::LargeKeyLook(const AuditedPartition& of, KeyLook& look, AuditedView& view,
                           ReadRecord read, const OpenScratch& scratch,
                           const IndexSlice::Group& group, Limits limits)
    : of_(of),
      look_(look),
      view_(view),
      read_(std::move(read)),
      group_(group),
      limits_(limits),
      store_(scratch()) {}

LargeKeyLook::Did LargeKeyLook::step() {
  if (!caught_up_) return fold_on();
  return table_ == tables_.size() ? Did::done : compare_range();
}

Postings LargeKeyLook::postings(const LentState& state, Offset from, Offset before) const {
  return slice_of(scan_of(state), {.first = group_.hash,
                                   .last = group_.hash,
                                   .from = from,
                                   .before = before,
                                   .postings_max = group_.postings,
                                   .of_one_max = std::numeric_limits<std::size_t>::max()})
      .postings;
}

std::string LargeKeyLook::find_key(const Postings& postings) const {
  const RecordOpener opener(of_.projection.name, of_.partition, of_.generation.partitions);
  EnvelopeOpener envelope;
  for (const Posting& posting : postings) {
    if (posting.kind == Posting::Kind::fired) continue;
    const OpenRecord open = opener.open(read_(posting.offset), posting.offset, envelope);
    if (hash_of_key(open.key) == group_.hash) return std::string(open.key);
  }
  throw Corrupt("the index of keys names records of a key that none of them has");
}

// By as many offsets as have about so many records of the key.
LargeKeyLook::Did LargeKeyLook::fold_on() {
  Postings next;
  Offset before;
  {
    const auto state = look_.lend();
    if (!state) return Did::waits;
    const std::int64_t end = state->position().value;
    const auto windows = static_cast<std::int64_t>(group_.postings / limits_.postings + 1);
    before = Offset{std::min(end, folded_.value + end / windows + 1)};
    next = postings(*state, folded_, before);
    caught_up_ = before.value == end;
  }
  if (!refold_ && !next.empty()) {
    key_ = find_key(next);
    refold_.emplace(of_.projection, of_.generation, of_.partition, key_, *store_);
  }
  if (refold_) refold_->fold(next, read_);
  folded_ = least_ = before;
  if (caught_up_ && refold_) {
    tables_ = audited_tables(*refold_);
    if (!tables_.empty()) begin_range();
  }
  return Did::looked;
}

// The range's end is that of the rows that there should be: where others are, they are in between.
void LargeKeyLook::begin_range() {
  const std::string prefix = rows_prefix(*tables_[table_], key_);
  upto_.clear();
  auto at = store_->scan(after_.empty() ? prefix : behind(after_), row_key::after_prefix(prefix));
  for (std::size_t n = 0; at->valid(); at->next()) {
    if (++n < limits_.rows) continue;
    upto_.assign(at->key());
    break;
  }
}

LargeKeyLook::Did LargeKeyLook::compare_range() {
  const auto first = faults_of_range();
  if (!first) return Did::waits;
  if (first->count() > 0) {
    const auto second = faults_of_range();
    if (!second) return Did::waits;
    faults_.add_common(*first, *second);
  }
  rows_ += static_cast<std::int64_t>(rows_of_range_);
  after_ = upto_;
  if (upto_.empty()) ++table_;
  if (table_ < tables_.size()) begin_range();
  return Did::looked;
}

// False: state and view are not to be had at one position now.
bool LargeKeyLook::read_range(RangeRows& range) {
  TableRows& table = *tables_[table_];
  const Belonging belonging(table.row_type());
  const std::unique_ptr<Message> row(table.prototype().New());
  const SnapshotEnd end{view_};
  auto state = look_.lent_at_view();
  if (!state) return false;
  range.position = state->position();
  range.since = postings(*state, folded_, range.position);
  auto& rows = range.state.rows;
  for (auto at = state->scan(range.from, range.to); at->valid() && rows.size() < kExtraMax;
       at->next()) {
    if (state->stopping()) return false;
    // Where the key's rows stand together, so does one whose key cannot be read to its end.
    const bool told = row_key::read_key(*row, at->key()) || belonging.by_leading_field();
    if (told && belonging.key_of(*row) == key_) rows.emplace(at->key(), at->value());
  }
  state.reset();
  if (!table.published() || !is_own(of_, key_)) return true;
  const auto bound = [&](const std::string& key) {
    std::unique_ptr<Message> at(key.empty() ? nullptr : table.prototype().New());
    if (at) row_key::set_key(*at, key);
    return at;
  };
  range.view = view_.rows_between(table.row_type(), key_, bound(after_).get(), bound(upto_).get());
  return true;
}

std::optional<RowFaults> LargeKeyLook::faults_of_range() {
  CHECK(refold_.has_value(), "ranges are compared once the key is folded");
  TableRows& table = *tables_[table_];
  const std::string prefix = rows_prefix(table, key_);
  RangeRows range{.from = after_.empty() ? prefix : behind(after_),
                  .to = upto_.empty() ? row_key::after_prefix(prefix) : behind(upto_),
                  .position = {},
                  .since = {},
                  .state = {&table, {}},
                  .view = nullptr};
  if (!read_range(range)) return std::nullopt;
  refold_->fold(range.since, read_);
  folded_ = range.position;
  least_ = std::min(least_, range.position);
  RowFaults faults;
  google::protobuf::Arena arena;
  std::vector<const Message*> right;
  KeyStore expected;
  StateBatch batch;
  for (auto at = store_->scan(range.from, range.to); at->valid(); at->next()) {
    batch.put(at->key(), at->value());
    Message* const each = table.prototype().New(&arena);
    read_row(*each, at->key(), at->value());
    right.push_back(each);
  }
  expected.write(batch);
  KeyLook::compare(range.state, expected, {key_}, faults);
  if (range.view) range.view->compare(right, faults);
  rows_of_range_ = range.view ? range.view->size() : 0;
  return faults;
}

}  // namespace sluice

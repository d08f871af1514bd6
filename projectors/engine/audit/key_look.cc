#include "projectors/engine/audit/key_look.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "projectors/engine/tables/row_key.h"
#include "projectors/engine/tables/stored_key.h"
#include "schemas/descriptors/belonging.h"
#include "schemas/descriptors/row_options.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"

namespace sluice {
namespace {

using google::protobuf::Message;

// Between two of them the owner has flushed, or the view's snapshot is as old as it may be.
constexpr int kTriesMax = 5;
// Rows between two looks at whether the state is to be let go of.
constexpr std::size_t kRowsUnasked = 256;

std::string prefix_of(const TableRows& table) {
  std::string prefix;
  row_key::append_prefix(prefix, table.prefix());
  return prefix;
}

// Adds rows whose keys begin so and are wanted. False: the state is to be let go of.
template <class Wanted>
bool read_rows(const LentState& state, const std::string& prefix, KeyLook::StateRows& into,
               Wanted wanted) {
  std::size_t unasked = 0;
  for (auto at = state.scan(prefix, row_key::after_prefix(prefix)); at->valid(); at->next()) {
    if (wanted(at->key())) into.rows.emplace(at->key(), at->value());
    if (++unasked % kRowsUnasked == 0 && state.stopping()) return false;
  }
  return !state.stopping();
}

// Rows as they should be, in an arena.
std::vector<const Message*> expected_rows(KeyStore& store, const TableRows& table,
                                          const KeyLook::Keys& keys,
                                          google::protobuf::Arena& arena) {
  const Belonging belonging(table.row_type());
  const std::string prefix = prefix_of(table);
  std::vector<const Message*> rows;
  for (auto at = store.scan(prefix, row_key::after_prefix(prefix)); at->valid(); at->next()) {
    Message* const row = table.prototype().New(&arena);
    read_row(*row, at->key(), at->value());
    // One that came since the keys were learned was not looked for.
    if (keys.contains(belonging.key_of(*row))) rows.push_back(row);
  }
  return rows;
}

}  // namespace

bool is_own(const AuditedPartition& of, std::string_view key) {
  return partition_of(key, of.generation.partitions) == of.partition;
}

bool is_audited(const google::protobuf::Descriptor& row) {
  const Belonging belonging(row);
  return !belonging.engines_own() && !belonging.per_partition() && !is_computed(row);
}

std::vector<TableRows*> audited_tables(KeyRefold& refold) {
  std::vector<TableRows*> tables;
  for (const auto& table : refold.whole().tables().all()) {
    if (is_audited(table->row_type())) tables.push_back(table.get());
  }
  return tables;
}

ScanState scan_of(const LentState& state) {
  return [&state](std::string_view from, std::string_view to) { return state.scan(from, to); };
}

void read_row(Message& row, std::string_view key, std::string_view bytes) {
  if (!row.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) row.Clear();
  // Where it is no key, the row is told by what can be read of it.
  static_cast<void>(row_key::read_key(row, key));
}

KeyLook::KeyLook(const AuditedPartition& of, LendState lend, AuditedView& view, ReadRecord read)
    : of_(of), lend_(std::move(lend)), view_(view), read_(std::move(read)) {}

std::unique_ptr<LentState> KeyLook::lend() {
  auto state = lend_();
  if (!state || !*state) return nullptr;
  const auto& head = state->head();
  const bool is_ours = !head || (head->generation_id() == of_.generation.unique_id &&
                                 head->version() == of_.projection.version);
  lacks_index_ = is_ours && !(head ? head->key_index() : of_.generation.key_index);
  return is_ours && !lacks_index_ ? std::move(state) : nullptr;
}

// The view's snapshot first: it may then be dropped at will, where the owner has gone on meanwhile.
std::unique_ptr<LentState> KeyLook::lent_at_view() {
  for (int i = 0; i < kTriesMax; ++i) {
    const auto view = view_.begin(of_.partition);
    if (!view || !view->loaded) break;
    auto state = lend();
    if (!state) break;
    if (state->position() == view->position && state->digest() == view->digest) return state;
  }
  view_.end();
  return nullptr;
}

// False: the state is to be let go of.
bool KeyLook::read_state(const LentState& state, const Keys& keys, StateRows& into) {
  const Belonging belonging(into.table->row_type());
  const std::string prefix = prefix_of(*into.table);
  if (!belonging.by_leading_field()) {
    // Nearly every table's rows of a key stand together; of others all are looked at.
    const std::unique_ptr<Message> row(into.table->prototype().New());
    return read_rows(state, prefix, into, [&](std::string_view key) {
      return row_key::read_key(*row, key) && keys.contains(belonging.key_of(*row));
    });
  }
  return std::ranges::all_of(keys, [&](const std::string& key) {
    std::string below = prefix;
    row_key::append_part(below, key);
    return read_rows(state, below, into, [](std::string_view) { return true; });
  });
}

std::optional<KeyLook::Rows> KeyLook::rows_of(const std::vector<TableRows*>& tables,
                                              const Keys& keys, const More& more) {
  const SnapshotEnd end{view_};
  auto state = lent_at_view();
  if (!state) return std::nullopt;
  Rows rows{.position = state->position(), .since = more(scan_of(*state)), .state = {}, .view = {}};
  for (TableRows* table : tables) {
    rows.state.push_back({table, {}});
    if (!read_state(*state, keys, rows.state.back())) return std::nullopt;
  }
  state.reset();
  std::vector<std::string> own;
  std::ranges::copy_if(keys, std::back_inserter(own),
                       [&](const std::string& key) { return is_own(of_, key); });
  for (TableRows* table : tables) {
    if (!table->published()) continue;
    rows.view.emplace_back(table, view_.rows_of(table->row_type(), own));
  }
  return rows;
}

void KeyLook::compare(const StateRows& found, KeyStore& store, const Keys& keys,
                      RowFaults& faults) {
  const TableRows& table = *found.table;
  const Belonging belonging(table.row_type());
  const std::string prefix = prefix_of(table);
  const std::unique_ptr<Message> expected(table.prototype().New());
  const std::unique_ptr<Message> row(table.prototype().New());
  auto at = found.rows.begin();
  const auto extra_before = [&](std::string_view key) {
    for (; at != found.rows.end() && (key.empty() || at->first < key); ++at) {
      read_row(*row, at->first, at->second);
      compare_rows(RowFault::Side::state, nullptr, row.get(), false, faults);
    }
  };
  const auto right = store.scan(prefix, row_key::after_prefix(prefix));
  for (; right->valid(); right->next()) {
    extra_before(right->key());
    const bool is_there = at != found.rows.end() && at->first == right->key();
    // The same bytes are the same row; others may be, too.
    if (is_there && at->second == right->value()) {
      ++at;
      continue;
    }
    read_row(*expected, right->key(), right->value());
    if (is_there) {
      read_row(*row, at->first, at->second);
      ++at;
    }
    if (!keys.contains(belonging.key_of(*expected))) continue;
    compare_rows(RowFault::Side::state, expected.get(), is_there ? row.get() : nullptr, false,
                 faults);
  }
  extra_before({});
}

std::optional<KeyLook::Seen> KeyLook::compare(KeyRefold& refold, KeyStore& store, Keys keys,
                                              const More& more) {
  auto rows = rows_of(audited_tables(refold), keys, more);
  if (!rows) return std::nullopt;
  refold.fold(rows->since, read_);
  Seen seen;
  seen.position = rows->position;
  seen.by_other_rules = refold.by_other_rules();
  seen.keys = std::move(keys);
  for (const StateRows& found : rows->state) compare(found, store, seen.keys, seen.faults);
  for (const auto& [table, found] : rows->view) {
    google::protobuf::Arena arena;
    found->compare(expected_rows(store, *table, seen.keys, arena), seen.faults);
    seen.rows += static_cast<std::int64_t>(found->size());
  }
  return seen;
}

std::optional<KeyLook::Seen> KeyLook::at_slice(const SliceBounds& bounds) {
  IndexSlice slice;
  Offset folded{0};
  {
    const auto state = lend();
    if (!state) return std::nullopt;
    slice = slice_of(scan_of(*state), bounds);
    folded = state->position();
  }
  KeyStore store;
  KeyRefold refold(of_.projection, of_.generation, of_.partition, store);
  refold.fold(slice.postings, read_);
  // A decision may stand under another key than its own.
  Keys keys;
  for (const std::string& key : refold.keys()) {
    const std::uint64_t hash = hash_of_key(key);
    if (std::ranges::binary_search(slice.groups, hash, {}, &IndexSlice::Group::hash)) {
      keys.insert(key);
    }
  }
  SliceBounds since = bounds;
  since.from = folded;
  since.last = slice.next ? *slice.next - 1 : bounds.last;
  since.postings_max = since.of_one_max;
  auto seen = compare(refold, store, std::move(keys),
                      [&](const ScanState& scan) { return slice_of(scan, since).postings; });
  if (!seen) return std::nullopt;
  // A key that came since was not looked for.
  seen->position = folded;
  seen->next = slice.next;
  seen->too_large = std::move(slice.left_out);
  return seen;
}

std::optional<KeyLook::Seen> KeyLook::at_key(const std::string& key) {
  Postings postings;
  Offset folded{0};
  {
    const auto state = lend();
    if (!state) return std::nullopt;
    folded = state->position();
    postings = postings_of(scan_of(*state), key, folded);
  }
  if (postings.size() > kRecordsMax) {
    Seen seen;
    seen.too_large.push_back({hash_of_key(key), postings.size()});
    return seen;
  }
  KeyStore store;
  KeyRefold refold(of_.projection, of_.generation, of_.partition, key, store);
  refold.fold(postings, read_);
  return compare(refold, store, {key}, [&](const ScanState& scan) {
    Postings since = postings_of(scan, key, Offset{std::numeric_limits<std::int64_t>::max()});
    std::erase_if(since, [&](const Posting& posting) { return posting.offset < folded; });
    return since;
  });
}

}  // namespace sluice

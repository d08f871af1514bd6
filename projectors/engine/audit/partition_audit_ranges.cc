// Rows of keys that the index does not know, table by table: none of them should be there.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "projectors/engine/audit/partition_audit.h"
#include "projectors/engine/tables/row_key.h"
#include "projectors/engine/tables/stored_key.h"
#include "schemas/descriptors/belonging.h"
#include "schemas/descriptors/row_options.h"

namespace sluice {

using google::protobuf::Message;

// Small tables are walked together.
PartitionAudit::Did PartitionAudit::walk_ranges() {
  for (std::size_t rows = 0; rows < limits_.rows && suspects_.empty();) {
    if (walk_.table == tables_.size()) return finish();
    const bool shown = is_published(*tables_[walk_.table]->GetDescriptor());
    const Did did = walk_.in_state || !shown ? walk_state(rows) : walk_view(rows);
    if (did != Did::looked) return did;
  }
  return Did::looked;
}

PartitionAudit::Did PartitionAudit::walk_view(std::size_t& rows) {
  const auto& row = *tables_[walk_.table]->GetDescriptor();
  RowOwners found;
  Offset position;
  {
    const SnapshotEnd end{view_};
    const auto at = view_.begin(of_.partition);
    if (!at || !at->loaded) return Did::waits;
    position = at->position;
    found = view_.owners(row, walk_.from, limits_.rows);
  }
  // At least one, so that it ends.
  rows += found.next.empty() ? found.owners.size() + 1 : limits_.rows;
  std::erase_if(found.owners, [&](const std::string& owner) { return !is_own(of_, owner); });
  // A key with a row was met before the view's position, so that the index has it there.
  const auto state = look_.lend();
  if (!state || state->position() < position) return Did::waits;
  saw(position);
  suspect_unknown(*state, found.owners);
  return next_range(std::move(found.next));
}

PartitionAudit::Did PartitionAudit::walk_state(std::size_t& rows) {
  const Message& prototype = *tables_[walk_.table];
  const Belonging belonging(*prototype.GetDescriptor());
  const auto state = look_.lend();
  if (!state) return Did::waits;
  std::string prefix;
  row_key::append_prefix(prefix, row_key::table_prefix(*prototype.GetDescriptor()));
  const std::unique_ptr<Message> row(prototype.New());
  std::vector<std::string> owners;
  std::string next;
  auto at = state->scan(walk_.from.empty() ? prefix : walk_.from, row_key::after_prefix(prefix));
  for (std::size_t n = 0; at->valid(); at->next(), ++n, ++rows) {
    if (n == limits_.rows || state->stopping()) {
      next.assign(at->key());
      break;
    }
    if (!row_key::read_key(*row, at->key())) {
      damaged(*row);
      continue;
    }
    std::string owner = belonging.key_of(*row);
    if (owners.empty() || owners.back() != owner) owners.push_back(std::move(owner));
  }
  suspect_unknown(*state, owners);
  return next_range(std::move(next));
}

// It is nobody's row, so that no key can be told to differ.
void PartitionAudit::damaged(const Message& row) {
  ++beyond_;
  if (told_ == kToldMax) return;
  ++told_;
  spdlog::error(
      "audit found a row whose key cannot be read projection={} partition={} table={} where=state",
      of_.projection.name, of_.partition.value, row.GetDescriptor()->full_name());
}

void PartitionAudit::suspect_unknown(const LentState& state,
                                     const std::vector<std::string>& owners) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(owners.size());
  for (const std::string& owner : owners) hashes.push_back(hash_of_key(owner));
  std::ranges::sort(hashes);
  const auto same = std::ranges::unique(hashes);
  hashes.erase(same.begin(), same.end());
  const std::vector<std::uint64_t> unknown = unknown_hashes(scan_of(state), hashes);
  if (unknown.empty()) return;
  std::set<std::string> keys;
  for (const std::string& owner : owners) {
    if (std::ranges::binary_search(unknown, hash_of_key(owner))) keys.insert(owner);
  }
  // None of its rows should be there: which there are, the second look tells.
  for (const std::string& key : keys) suspects_.push_back({key, {}, false});
}

PartitionAudit::Did PartitionAudit::next_range(std::string from) {
  walk_.from = std::move(from);
  if (!walk_.from.empty()) return Did::looked;
  const bool shown = is_published(*tables_[walk_.table]->GetDescriptor());
  if (shown && !walk_.in_state) {
    walk_.in_state = true;
  } else {
    walk_.in_state = false;
    ++walk_.table;
  }
  return Did::looked;
}

}  // namespace sluice

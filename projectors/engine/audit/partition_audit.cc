#include "projectors/engine/audit/partition_audit.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <utility>

#include "storage/base/errors.h"

namespace sluice {
namespace {

using google::protobuf::Message;

constexpr std::size_t kLeastPostings = 64;
constexpr int kBitsMax = 32;
// Of keys that differ, those whose number of differences is known.
constexpr std::size_t kKeysMax = 100'000;
constexpr std::size_t kLookedAgain = 64;  // at once

std::vector<const Message*> audited_types(const Projection& projection) {
  KeyStore none;
  Tables tables(none);
  const auto rules = projection.make(tables);
  std::vector<const Message*> audited;
  for (const auto& table : tables.all()) {
    if (is_audited(table->row_type())) audited.push_back(&table->prototype());
  }
  return audited;
}

std::uint64_t mixed(std::int64_t number) {
  std::string text = std::to_string(number);
  return hash_of_key(text);
}

}  // namespace

std::string PartitionAudit::Walk::text() const {
  std::ostringstream text;
  text << bits << ' ' << slice << ' ' << (hash ? 1 : 0) << ' ' << hash.value_or(0) << ' '
       << (least ? least->value : -1) << ' ' << rows << ' ' << large;
  return text.str();
}

bool PartitionAudit::Walk::read(const std::string& text) {
  std::istringstream in(text);
  int has_hash = 0;
  std::uint64_t at = 0;
  std::int64_t position = -1;
  if (!(in >> bits >> slice >> has_hash >> at >> position >> rows >> large)) return false;
  if (bits < 0 || bits > kBitsMax || slice > std::uint64_t{1} << bits) return false;
  if (has_hash != 0) hash = at;
  if (position >= 0) least = Offset{position};
  return true;
}

PartitionAudit::PartitionAudit(const AuditedPartition& of, Parts parts)
    : PartitionAudit(of, std::move(parts), Limits{}) {}

PartitionAudit::PartitionAudit(const AuditedPartition& of, Parts parts, Limits limits)
    : of_(of),
      parts_(std::move(parts)),
      view_(parts_.view),
      book_(parts_.book),
      limits_(limits),
      look_(of, parts_.lend, parts_.view, parts_.read),
      tables_(audited_types(of.projection)),
      postings_(limits.postings),
      standing_(book_.standing(of.partition)) {
  for (auto& [key, count] : book_.differing(of.partition)) differing_.emplace(key, count);
  count();
}

PartitionAudit::Did PartitionAudit::step() {
  try {
    const Did did = advance();
    // More again, once it goes.
    if (did == Did::looked) postings_ = std::min(limits_.postings, postings_ * 2);
    return did;
  } catch (const Retryable&) {
    postings_ = std::max(kLeastPostings, postings_ / 2);
    throw;
  }
}

PartitionAudit::Did PartitionAudit::advance() {
  if (!walking_) {
    const Did began = begin();
    if (began != Did::looked) return began;
  }
  while (!suspects_.empty()) {
    if (!confirm(suspects_.front())) return Did::waits;
    suspects_.pop_front();
    if (suspects_.empty()) note(AuditBook::Note::goes_on);
  }
  if (!large_.empty()) return walk_large();
  if (walk_.slice < std::uint64_t{1} << walk_.bits) return walk_keys();
  return walk_ranges();
}

PartitionAudit::Did PartitionAudit::begin() {
  std::uint64_t entries = 0;
  {
    const auto state = look_.lend();
    if (!state) return look_.lacks_index() ? Did::no_index : Did::waits;
    entries = entries_in(scan_of(*state));
  }
  walk_ = {};
  if (standing_.walks > 0 && walk_.read(standing_.walked)) {
    walking_ = true;
    return Did::looked;
  }
  walk_ = {};
  for (; entries > limits_.postings && walk_.bits < kBitsMax; entries /= 2) ++walk_.bits;
  standing_.walks = std::max(standing_.walks, standing_.round) + 1;
  beyond_ = 0;
  told_ = 0;
  note(AuditBook::Note::begins);
  walking_ = true;
  return Did::looked;
}

void PartitionAudit::note(AuditBook::Note note) {
  count();
  standing_.walked = walk_.text();
  book_.note(of_.partition, standing_, note);
}

// Every slice has its turn, in an order of the round's own: by an odd step in a circle of 2^bits.
SliceBounds PartitionAudit::bounds() const {
  SliceBounds bounds{.first = 0,
                     .last = std::numeric_limits<std::uint64_t>::max(),
                     .postings_max = postings_,
                     .of_one_max = limits_.of_one_key};
  if (walk_.bits > 0) {
    const std::uint64_t seed = mixed(standing_.walks);
    const int shift = 64 - walk_.bits;
    const std::uint64_t slice = (walk_.slice * (seed | 1) + (seed >> 32)) << shift;
    bounds.first = slice;
    bounds.last = slice + ((std::uint64_t{1} << shift) - 1);
  }
  if (walk_.hash) bounds.first = *walk_.hash;
  return bounds;
}

void PartitionAudit::saw(Offset position) {
  // Of a view that was set back since, or restored.
  if (standing_.proved_to && position < *standing_.proved_to) standing_.proved_to.reset();
  walk_.least = walk_.least ? std::min(*walk_.least, position) : position;
}

PartitionAudit::Did PartitionAudit::walk_keys() {
  const auto seen = look_.at_slice(bounds());
  if (!seen) return Did::waits;
  saw(seen->position);
  walk_.rows += seen->rows;
  walk_.large += static_cast<std::int64_t>(seen->too_large.size());
  large_.insert(large_.end(), seen->too_large.begin(), seen->too_large.end());
  suspect(seen->faults);
  for (const std::string& key : seen->keys) {
    if (!seen->faults.owners().contains(key)) equal(key);
  }
  walk_.hash = seen->next;
  if (!walk_.hash) ++walk_.slice;
  note(AuditBook::Note::goes_on);
  return Did::looked;
}

// After a failure the key is begun anew.
PartitionAudit::Did PartitionAudit::walk_large() {
  auto at = std::move(at_large_);
  if (!at) {
    at = std::make_unique<LargeKeyLook>(of_, look_, view_, parts_.read, parts_.scratch,
                                        large_.front(), limits_.large);
  }
  const LargeKeyLook::Did did = at->step();
  if (did != LargeKeyLook::Did::done) {
    at_large_ = std::move(at);
    return did == LargeKeyLook::Did::waits ? Did::waits : Did::looked;
  }
  large_.pop_front();
  saw(at->position());
  walk_.rows += at->rows();
  if (at->faults().count() > 0) {
    differ(at->key(), {at->faults().kept(), at->faults().count(), at->by_other_rules()});
  } else {
    equal(at->key());
  }
  note(AuditBook::Note::goes_on);
  return Did::looked;
}

void PartitionAudit::suspect(const RowFaults& faults) {
  std::map<std::string, std::vector<RowFault>> by_owner;
  for (const std::string& owner : faults.owners()) by_owner[owner];
  for (const RowFault& fault : faults.kept()) by_owner[fault.owner].push_back(fault);
  for (auto& [owner, of] : by_owner) {
    suspects_.push_back({owner, std::move(of), faults.all_kept()});
  }
}

// False: nothing could be looked at.
bool PartitionAudit::confirm(const Suspect& suspect) {
  const auto seen = look_.at_key(suspect.key);
  if (!seen) return false;
  // It has become so since.
  if (!seen->too_large.empty()) return true;
  RowFaults both;
  for (const RowFault& fault : seen->faults.kept()) {
    const auto is_same = [&](const RowFault& first) { return first.is_of(fault); };
    if (std::ranges::any_of(suspect.faults, is_same)) both.add(fault);
  }
  const RowFaults& confirmed = suspect.all_kept ? both : seen->faults;
  if (confirmed.count() == 0) {
    equal(suspect.key);
  } else {
    differ(suspect.key, {confirmed.kept(), confirmed.count(), seen->by_other_rules});
  }
  return true;
}

void PartitionAudit::differ(const std::string& key, const Differing& found) {
  const auto known = differing_.find(key);
  if (known == differing_.end() && told_ < kToldMax && !found.faults.empty()) {
    const RowFault& first = found.faults.front();
    ++told_;
    spdlog::error(
        "audit found rows that the log does not make projection={} partition={} table={} what={} "
        "where={} differences={} see=sluice.audit_difference{}",
        of_.projection.name, of_.partition.value, first.table, word(first.what), word(first.side),
        found.count,
        found.by_other_rules ? " cause=\"rules that were changed without their version\"" : "");
  }
  book_.retain(of_.partition, key, found.faults);
  book_.add(of_.partition, found.faults);
  if (known != differing_.end()) {
    known->second = found.count;
  } else if (differing_.size() < kKeysMax) {
    differing_.emplace(key, found.count);
  } else {
    beyond_ += found.count;
  }
}

void PartitionAudit::equal(const std::string& key) {
  const auto known = differing_.find(key);
  if (known == differing_.end()) return;
  book_.retain(of_.partition, key, {});
  differing_.erase(known);
  spdlog::info("audit found a key equal again projection={} partition={}", of_.projection.name,
               of_.partition.value);
}

void PartitionAudit::count() {
  standing_.differences = beyond_;
  for (const auto& [key, count] : differing_) standing_.differences += count;
}

PartitionAudit::Did PartitionAudit::finish() {
  standing_.round = standing_.walks;
  standing_.proved_to = walk_.least;
  standing_.rows = walk_.rows;
  standing_.large = walk_.large;
  standing_.walks = 0;
  walk_ = {};
  walking_ = false;
  note(AuditBook::Note::finishes);
  spdlog::debug(
      "audit round finished projection={} partition={} round={} proved_to={} rows={} "
      "differences={} large_keys={}",
      of_.projection.name, of_.partition.value, standing_.round,
      standing_.proved_to ? standing_.proved_to->value : 0, standing_.rows, standing_.differences,
      standing_.large);
  return Did::finished;
}

PartitionAudit::Did PartitionAudit::look_again() {
  std::vector<std::string> keys;
  auto at = differing_.upper_bound(looked_again_);
  for (std::size_t n = 0; n < std::min(kLookedAgain, differing_.size()); ++n) {
    if (at == differing_.end()) at = differing_.begin();
    keys.push_back((at++)->first);
  }
  for (const std::string& key : keys) {
    const auto seen = look_.at_key(key);
    if (!seen) return Did::waits;
    looked_again_ = key;
    // A large one is looked at again in the next round.
    if (!seen->too_large.empty()) continue;
    if (seen->faults.count() == 0) {
      equal(key);
    } else {
      // What came since was seen once.
      book_.retain(of_.partition, key, seen->faults.kept());
      auto& known = differing_.find(key)->second;
      known = std::min(known, seen->faults.count());
    }
  }
  if (keys.empty()) return Did::looked;
  count();
  if (walking_) note(AuditBook::Note::goes_on);
  return Did::looked;
}

}  // namespace sluice

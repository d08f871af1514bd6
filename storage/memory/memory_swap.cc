#include "storage/memory/memory_swap.h"

#include <algorithm>
#include <set>

#include "schemas/descriptors/row_options.h"
#include "storage/base/errors.h"
#include "storage/memory/row_bytes.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Of a computed row that says so.
const FieldDescriptor* as_of_field(const Message& row) {
  const auto* const type = row.GetDescriptor();
  return is_computed(*type) ? type->FindFieldByName("as_of") : nullptr;
}

std::int64_t as_of(const Message& row) {
  return row.GetReflection()->GetInt64(row, as_of_field(row));
}

std::shared_ptr<const Message> with_as_of(const Message& row, std::int64_t as_of) {
  std::shared_ptr<Message> made(row.New());
  made->CopyFrom(row);
  made->GetReflection()->SetInt64(made.get(), as_of_field(*made), as_of);
  return made;
}

PairStand stand_of(const MemoryViews& live, const MemoryViews& other) {
  PairStand stand{.equal = true, .positions = {}, .apart = {}};
  const auto taken = live.live_positions();
  for (int p = 0; p < live.generation().partitions; ++p) {
    const Partition partition{p};
    const ViewPosition here = live.position(partition);
    const ViewPosition there = other.position(partition);
    if (taken.contains(partition)) stand.positions[p] = here.position.value;
    const bool same = here.position == there.position;
    if (same && here.digest == there.digest) continue;
    stand.equal = false;
    if (same) stand.another_log = true;
    if (stand.apart.empty()) {
      stand.apart = "in partition " + std::to_string(p) + " the other generation is at " +
                    std::to_string(there.position.value) + ", the live one at " +
                    std::to_string(here.position.value);
    }
  }
  return stand;
}

void take(MemoryLock& wanted, const std::shared_ptr<MemoryHold>& hold) {
  if (wanted.held_by_other_than(hold)) throw Retryable("somebody else has the lock");
  wanted.take(hold);
}

}  // namespace

void MemorySwap::speak() {
  if (!hold_ || !hold_->speak()) throw Retryable("the database has ended a transaction that slept");
}

std::optional<SwapSession::Ended> MemorySwap::begin() {
  hold_ = std::make_shared<MemoryHold>(pair_.live.clock_);
  if (pair_.live.role_.held() || pair_.other.role_.held()) {
    return Again{"locked", "another command is at work on the generations"};
  }
  take(pair_.live.role_, hold_);
  take(pair_.other.role_, hold_);
  roles_.clear();
  for (const MemoryViews* each : generations()) roles_.push_back(each->role());
  const SwappedPair swapped{pair_.live.generation_.number, pair_.other.generation_.number};
  if (is_swapped(swapped, roles_)) return stand_of(pair_.other, pair_.live).positions;
  if (auto refused = refuse_roles(kind_, swapped, roles_)) return *std::move(refused);
  return std::nullopt;
}

std::vector<MemoryViews*> MemorySwap::generations() const {
  return pair_.all ? pair_.all() : std::vector<MemoryViews*>{&pair_.live, &pair_.other};
}

void MemorySwap::lock_live() {
  speak();
  take(pair_.live.positions_, hold_);
}

// In a session beside the one that holds, as all that does not speak.
PairStand MemorySwap::look() { return stand_of(pair_.live, pair_.other); }

void MemorySwap::lock_other() {
  speak();
  take(pair_.other.positions_, hold_);
}

std::set<std::string> MemorySwap::due_in_other() const {
  std::set<std::string> due;
  for (const auto& [partition, taken] : pair_.other.taken_) {
    due.insert(taken.due.begin(), taken.due.end());
  }
  return due;
}

// Also without a transaction at hand.
std::string MemorySwap::still_computed() {
  if (hold_) speak();
  const std::set<std::string> due = due_in_other();
  const auto other_has_as_late = [&](const auto& table, const auto& key, const Message& row) {
    const auto others = pair_.other.rows_.find(table);
    if (others == pair_.other.rows_.end()) return false;
    const auto found = others->second.find(key);
    return found != others->second.end() && as_of(*found->second) >= as_of(row);
  };
  for (const auto& [table, rows] : pair_.live.rows_) {
    for (const auto& [key, row] : rows) {
      if (as_of_field(*row) == nullptr || !due.contains(memory::first_key(*row))) continue;
      if (other_has_as_late(table, key, *row)) continue;
      return "readers saw later rows of " + memory::first_key(*row);
    }
  }
  return "";
}

// The rows of a key that is not due are those of every position since its last change. It is
// committed in another session than the one that holds, which may have been ended meanwhile.
void MemorySwap::commit_mark() {
  mark_ = readers_.add_mark();
  if (!stand_of(pair_.live, pair_.other).equal) return;
  const std::set<std::string> due = due_in_other();
  for (auto& [table, others] : pair_.other.rows_) {
    const auto rows = pair_.live.rows_.find(table);
    if (rows == pair_.live.rows_.end()) continue;
    for (auto& [key, row] : others) {
      const auto seen = rows->second.find(key);
      if (as_of_field(*row) == nullptr || seen == rows->second.end()) continue;
      if (due.contains(memory::first_key(*row))) continue;
      if (as_of(*row) < as_of(*seen->second)) row = with_as_of(*row, as_of(*seen->second));
    }
  }
}

void MemorySwap::write() {
  speak();
  for (const auto& [partition, taken] : pair_.other.taken_) {
    emits_from_[partition] =
        std::max(taken.view.position, pair_.live.position(partition).emits_from);
  }
}

std::optional<SwapSession::Ended> MemorySwap::show() {
  speak();
  if (readers_.reading()) return Again{"locked", "somebody reads the views"};
  take(readers_.views(), hold_);
  return std::nullopt;
}

bool MemorySwap::commit() {
  if (!hold_ || !hold_->speak()) return false;
  for (const auto& [partition, from] : emits_from_) {
    pair_.other.taken_[partition].view.emits_from = from;
  }
  const GenerationRoles after =
      roles_after(kind_, {pair_.live.generation_.number, pair_.other.generation_.number}, roles_);
  for (MemoryViews* const each : generations()) {
    const auto became =
        std::ranges::find(after, each->generation_.number, &GenerationRole::generation);
    // One that is neither of the two may have become ready meanwhile.
    if (std::ranges::count(roles_, *became) == 0) each->role_now_ = *became;
    each->generation_.live = became->status == GenerationStatus::live;
    each->live_ = each->generation_.live ? nullptr : &pair_.other;
  }
  pair_.other.mark_ = mark_;
  return true;
}

void MemorySwap::release() noexcept {
  hold_.reset();
  emits_from_.clear();
}

void MemoryComparison::lock_live() {
  hold_ = std::make_shared<MemoryHold>(pair_.live.clock_);
  take(pair_.live.positions_, hold_);
}

PairStand MemoryComparison::look() {
  live_.reset();
  other_.reset();
  PairStand stand = stand_of(pair_.live, pair_.other);
  if (!stand.equal) return stand;
  live_ = pair_.live;
  other_ = pair_.other;
  return stand;
}

std::optional<GenerationRefusal> MemoryComparison::await_owners() {
  for (int p = 0; p < pair_.other.generation().partitions; ++p) {
    const bool taken = pair_.other.taken_.contains(Partition{p});
    if (taken && pair_.other.position(Partition{p}).silent < kOwnerGone) continue;
    return GenerationRefusal{"no_owner", "no process folds partition " + std::to_string(p)};
  }
  return std::nullopt;
}

}  // namespace sluice

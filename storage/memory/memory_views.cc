#include "storage/memory/memory_views.h"

#include <algorithm>
#include <utility>

#include "storage/base/errors.h"
#include "storage/memory/row_bytes.h"

namespace sluice {
namespace {

using google::protobuf::Message;

template <class Kept>
std::vector<Kept> values(const std::map<Offset, Kept>& by_position) {
  std::vector<Kept> all;
  all.reserve(by_position.size());
  for (const auto& [position, kept] : by_position) all.push_back(kept);
  return all;
}

}  // namespace

ViewPosition MemoryViews::heard_of(const Taken& taken) const {
  ViewPosition view = taken.view;
  view.silent = std::chrono::duration_cast<std::chrono::milliseconds>(clock_() - taken.heard);
  if (taken.left) view.silent = std::max(view.silent, kOwnerGone);
  return view;
}

ViewPosition MemoryViews::position(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? ViewPosition{} : heard_of(taken->second);
}

std::map<Partition, Offset> MemoryViews::live_positions() const {
  std::map<Partition, Offset> all;
  const MemoryViews* live = generation_.live ? this : live_;
  if (live == nullptr) return all;
  for (const auto& [partition, taken] : live->taken_) all.emplace(partition, taken.view.position);
  return all;
}

BuildPhase MemoryViews::advance() const {
  if (!built_in_bulk_) return BuildPhase::following;
  int loaded = 0;
  for (const auto& [partition, taken] : taken_) loaded += taken.view.loaded ? 1 : 0;
  if (loaded == generation_.partitions) return BuildPhase::following;
  return loaded == 0 ? BuildPhase::folding : BuildPhase::loading;
}

void MemoryViews::build_beside(const MemoryViews& live) {
  live_ = &live;
  built_in_bulk_ = true;
}

void MemoryViews::require_unlocked() const {
  if (positions_.held()) throw Retryable("the positions of the generation are locked");
}

std::string MemoryViews::contender(Partition partition) const {
  const auto found = contenders_.find(partition);
  return found == contenders_.end() ? std::string() : found->second;
}

std::optional<ComputedProgress> MemoryViews::computed(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? std::nullopt : taken->second.computed;
}

std::set<std::string> MemoryViews::due(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? std::set<std::string>{} : taken->second.due;
}

Offset MemoryViews::log_end(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? Offset{} : taken->second.log_end;
}

std::string MemoryViews::trouble(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? std::string() : taken->second.trouble;
}

std::optional<std::chrono::milliseconds> MemoryViews::freshness(Partition partition) const {
  const auto found = taken_.find(partition);
  if (found == taken_.end()) return std::nullopt;
  const Taken& taken = found->second;
  const bool owned = heard_of(taken).silent < kOwnerGone;
  const bool runs = owned && taken.trouble.empty();
  if (runs && taken.view.position >= taken.log_end) return std::chrono::milliseconds{0};
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_() -
                                                               taken.oldest.value_or(taken.heard));
}

std::vector<Rejection> MemoryViews::rejections(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? std::vector<Rejection>{} : values(taken->second.rejections);
}

std::vector<QuarantinedRecord> MemoryViews::quarantined(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? std::vector<QuarantinedRecord>{}
                               : values(taken->second.quarantined);
}

std::vector<Decision> MemoryViews::decisions(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? std::vector<Decision>{} : values(taken->second.decisions);
}

void MemoryViews::note_unseen(const LogProgress& said, Taken& taken) const {
  const bool none = said.unseen == std::chrono::milliseconds{0};
  const bool complete = said.trouble.empty() && said.log_end <= taken.view.position;
  if (none || complete) return taken.oldest.reset();
  if (said.unseen) {
    taken.oldest = clock_() - *said.unseen;
  } else if (!taken.oldest) {
    taken.oldest = taken.heard;
  }
}

std::vector<std::optional<ViewPosition>> MemoryViews::hear(std::span<const LogProgress> progress) {
  std::vector<std::optional<ViewPosition>> now(progress.size());
  for (std::size_t i = 0; i < progress.size(); ++i) {
    const LogProgress& p = progress[i];
    const auto taken = taken_.find(p.partition);
    if (taken == taken_.end() || taken->second.view.owner != p.owner) {
      if (!p.trouble.empty()) contenders_[p.partition] = p.trouble;
      continue;
    }
    note_unseen(p, taken->second);
    taken->second.heard = clock_();
    taken->second.left = taken->second.left || p.leaves;
    taken->second.log_end = p.log_end;
    taken->second.trouble = p.trouble;
    if (p.computed) taken->second.computed = p.computed;
    now[i] = heard_of(taken->second);
  }
  return now;
}

// As another generation than the live one: what readers see must not be behind it.
bool MemoryViews::shows_too_much(Partition partition, Offset to) const {
  if (generation_.live) return false;
  const auto live = live_positions();
  const auto found = live.find(partition);
  return found == live.end() || to > found->second;
}

void MemoryViews::Taken::refuse(std::span<const Rejection> rejected,
                                std::span<const QuarantinedRecord> quarantine,
                                std::span<const Offset> aged_out,
                                std::span<const Offset> unquarantined) {
  for (const Rejection& rejection : rejected) rejections.emplace(rejection.position, rejection);
  for (const QuarantinedRecord& record : quarantine) {
    quarantined.insert_or_assign(record.position, record);
  }
  for (const Offset position : aged_out) {
    const auto record = quarantined.find(position);
    if (record != quarantined.end()) record->second.value.reset();
  }
  for (const Offset position : unquarantined) quarantined.erase(position);
}

void MemoryViews::Taken::decide(std::span<const Decision> decided) {
  for (const Decision& decision : decided) decisions.emplace(decision.position, decision);
}

void MemoryViews::put(const Message& row) {
  rows_[row.GetDescriptor()->full_name()][memory::key_of(row)] = memory::copy_of(row);
}

void MemoryViews::take(const Message& row) {
  rows_[row.GetDescriptor()->full_name()].erase(memory::key_of(row));
}

}  // namespace sluice

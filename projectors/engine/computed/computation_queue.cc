#include "projectors/engine/computed/computation_queue.h"

#include <algorithm>
#include <cmath>

#include "storage/base/check.h"

namespace sluice {
namespace {

using std::chrono::nanoseconds;

// What is taken for the cost until it is known, about: of anything, and for each unit of size.
constexpr double kFirstCost = 1e6;
constexpr double kCostOfOne = 300;

constexpr std::chrono::milliseconds kFirstBackoff{10};

// Keys that are neither due nor running are kept for their pace, and looked through this often.
constexpr std::chrono::seconds kBetweenSweeps{1};

}  // namespace

double ComputationQueue::Entry::cost() const {
  if (took.count() > 0) return std::max(1e5, static_cast<double>(took.count()));
  return kFirstCost + kCostOfOne * static_cast<double>(input.size);
}

ComputationQueue::Clock::time_point ComputationQueue::may_begin(const Entry& entry) const {
  if (entry.hurries && entry.failures == 0) return entry.begun_at;
  const std::uint64_t changes = entry.input.changes.value_or(entry.input.size);
  const bool much =
      (changes - std::min(changes, entry.changes_read)) * pace_.parts_of_much >= entry.input.size;
  if (much) return entry.paced;
  return std::max(entry.paced, entry.begun_at + pace_.little_times * pace_.interval_min);
}

bool ComputationQueue::offer(const Key& key, const Input& input, Clock::time_point now) {
  if (now >= next_sweep_) sweep(now);
  auto at = entries_.find(key);
  if (at == entries_.end()) {
    std::size_t& keys = keys_[key.partition];
    if (keys >= pace_.keys_max) return false;
    ++keys;
    at = entries_.emplace(key, Entry{}).first;
    at->second.paced = now;
    at->second.hurries = hurried_.contains(key.partition);
  }
  Entry& entry = at->second;
  const Offset changed_at = std::max(entry.input.changed_at, input.changed_at);
  entry.input = input;
  entry.input.changed_at = changed_at;
  const Clock::time_point since = std::max(may_begin(entry), now);
  if (entry.offered) {
    entry.since = std::min(entry.since, since);
  } else if (!entry.running || changed_at > entry.as_of) {
    entry.offered = true;
    entry.since = since;
  }
  return true;
}

void ComputationQueue::withdraw(const Key& key) {
  const auto at = entries_.find(key);
  if (at != entries_.end()) at->second.offered = false;
}

void ComputationQueue::hurry(std::uint64_t partition, bool hurries) {
  if (hurries) {
    hurried_.insert(partition);
  } else {
    hurried_.erase(partition);
  }
  const auto end = entries_.lower_bound(Key{partition + 1, ""});
  for (auto at = entries_.lower_bound(Key{partition, ""}); at != end; ++at) {
    Entry& entry = at->second;
    entry.hurries = hurries;
    // What is running has no pace yet.
    if (entry.due()) entry.since = std::min(entry.since, may_begin(entry));
  }
}

void ComputationQueue::drop(std::uint64_t partition) {
  hurried_.erase(partition);
  const auto begin = entries_.lower_bound(Key{partition, ""});
  const auto end = entries_.lower_bound(Key{partition + 1, ""});
  entries_.erase(begin, end);
  keys_.erase(partition);
}

std::optional<ComputationQueue::Key> ComputationQueue::begin(Clock::time_point now) {
  auto best = entries_.end();
  double best_ratio = -1;
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    const Entry& entry = at->second;
    if (!entry.due() || entry.since > now) continue;
    const double waited = static_cast<double>(nanoseconds(now - entry.since).count());
    const double ratio = (entry.cost() + waited) / entry.cost();
    if (ratio < best_ratio) continue;
    // Those that have not waited yet are alike: the smaller.
    if (ratio == best_ratio && entry.cost() >= best->second.cost()) continue;
    best_ratio = ratio;
    best = at;
  }
  if (best == entries_.end()) return std::nullopt;
  Entry& entry = best->second;
  entry.offered = false;
  entry.running = true;
  entry.begun_at = now;
  entry.changes_read = entry.input.changes.value_or(0);
  return best->first;
}

void ComputationQueue::reads(const Key& key, Offset as_of) {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return;
  Entry& entry = at->second;
  entry.as_of = as_of;
  // Offered between begin() and this.
  if (entry.input.changed_at <= as_of) entry.offered = false;
}

void ComputationQueue::ended(const Key& key, nanoseconds took) {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return;
  Entry& entry = at->second;
  CHECK(entry.running, "what ends was begun");
  entry.running = false;
  entry.failures = 0;
  entry.took = std::max(took, nanoseconds{1});
  entry.paced =
      entry.begun_at + std::max<nanoseconds>(pace_.interval_min, pace_.interval_times * entry.took);
  entry.since = may_begin(entry);
}

void ComputationQueue::failed(const Key& key, Clock::time_point now) {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return;
  Entry& entry = at->second;
  CHECK(entry.running, "what fails was begun");
  entry.running = false;
  entry.offered = true;
  entry.as_of = Offset{};
  entry.changes_read = 0;
  constexpr int kMostDoublings = 20;
  entry.failures = std::min(entry.failures + 1, kMostDoublings);
  entry.paced =
      now + std::min<std::chrono::milliseconds>(std::max(pace_.interval_min, kFirstBackoff) *
                                                    (std::int64_t{1} << (entry.failures - 1)),
                                                pace_.longest_backoff);
  entry.since = entry.paced;
}

ComputationQueue::Clock::time_point ComputationQueue::next_begin() const {
  auto next = Clock::time_point::max();
  for (const auto& [key, entry] : entries_) {
    if (entry.due()) next = std::min(next, entry.since);
  }
  return next;
}

bool ComputationQueue::has_room(std::uint64_t partition, Clock::time_point now) {
  if (now >= next_sweep_) sweep(now);
  const auto at = keys_.find(partition);
  return at == keys_.end() || at->second <= pace_.keys_max / 2;
}

ComputationQueue::Count ComputationQueue::count(Entries::const_iterator begin,
                                                Entries::const_iterator end,
                                                Clock::time_point now) {
  Count count;
  for (auto at = begin; at != end; ++at) {
    const Entry& entry = at->second;
    if (entry.running) ++count.running;
    if (entry.failures > 0 && (entry.running || entry.offered)) ++count.failing;
    if (!entry.due()) continue;
    ++count.due;
    count.oldest_due = std::max(count.oldest_due, now - std::min(now, entry.since));
  }
  return count;
}

ComputationQueue::Count ComputationQueue::count(Clock::time_point now) const {
  return count(entries_.begin(), entries_.end(), now);
}

ComputationQueue::Count ComputationQueue::count(std::uint64_t partition,
                                                Clock::time_point now) const {
  return count(entries_.lower_bound(Key{partition, ""}),
               entries_.lower_bound(Key{partition + 1, ""}), now);
}

void ComputationQueue::sweep(Clock::time_point now) {
  next_sweep_ = now + kBetweenSweeps;
  std::erase_if(entries_, [&](const auto& each) {
    const auto& [key, entry] = each;
    if (entry.offered || entry.running || entry.since > now) return false;
    --keys_.at(key.partition);
    return true;
  });
}

}  // namespace sluice

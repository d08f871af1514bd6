#include "projectors/engine/run/probe.h"

#include <algorithm>
#include <utility>

namespace sluice {

void Probe::flushed(const std::string& partition, const Flush& flush) {
  const MutexLock lock(mutex_);
  totals_.folded += flush.folded;
  totals_.duplicates += flush.duplicates;
  totals_.quarantined += flush.quarantined;
  totals_.rows_flushed += flush.changed_rows;
  ++totals_.flushes;
  PartitionCounts& counts = counts_[partition];
  counts.records += flush.records;
  counts.duplicates += flush.duplicates;
  counts.quarantined += flush.quarantined;
  if (flush.last_quarantined) counts.last_quarantined = flush.last_quarantined;
  counts.hottest = flush.keys.hottest();
  counts.beyond_limit += flush.beyond_limit;
  for (const Rejection& each : flush.rejections) counts.count_rejected(each.reason);
  for (const auto& [table, rows] : flush.rows) counts.add_rows(table, rows);
  flush.recorded.for_each([&](Time recorded_at, std::uint64_t times) {
    const auto age = std::max(flush.committed_at - recorded_at, std::chrono::milliseconds{0});
    counts.visible_seconds.observe(std::chrono::duration<double>(age).count(), times);
  });
}

void Probe::flush_took(const std::string& partition, std::chrono::nanoseconds took) {
  const MutexLock lock(mutex_);
  totals_.flushing += took;
  PartitionCounts& counts = counts_[partition];
  counts.flush_seconds.observe(std::chrono::duration<double>(took).count());
  counts.last_flush = took;
}

void Probe::batch_took(const std::string& partition, std::chrono::nanoseconds took) {
  const MutexLock lock(mutex_);
  counts_[partition].batch_seconds.observe(std::chrono::duration<double>(took).count());
}

void Probe::fenced(const std::string& partition) {
  const MutexLock lock(mutex_);
  ++totals_.fenced;
  ++counts_[partition].fenced;
}

void Probe::rebalanced(const std::string& partition) {
  const MutexLock lock(mutex_);
  ++counts_[partition].rebalances;
}

void Probe::taken(const std::string& partition, const Recovery& began) {
  const MutexLock lock(mutex_);
  PartitionCounts& counts = counts_[partition];
  ++counts.recoveries[static_cast<std::size_t>(began.from)];
  counts.began = began;
}

void Probe::recovering(const std::string& partition, const Recovery& began) {
  const MutexLock lock(mutex_);
  counts_[partition].began = began;
}

std::map<std::string, PartitionCounts> Probe::counts() const {
  const MutexLock lock(mutex_);
  return counts_;
}

void Probe::retried() {
  const MutexLock lock(mutex_);
  ++totals_.retries;
}

void Probe::stopped(const std::string& what, const std::string& why) {
  const MutexLock lock(mutex_);
  totals_.stopped[what] = why;
}

void Probe::running(const std::string& what) {
  const MutexLock lock(mutex_);
  totals_.stopped.erase(what);
}

Probe::Totals Probe::totals() const {
  const MutexLock lock(mutex_);
  return totals_;
}

void Probe::began(const std::string& worker, std::string_view projection, int generation,
                  const std::string& session) {
  const Clock::time_point now = clock_();
  const MutexLock lock(mutex_);
  WatchedWorker& watched = workers_[worker] = {};
  watched.projection = projection;
  watched.generation = generation;
  watched.session = session;
  watched.turned = watched.since = now;
}

void Probe::shown(const std::string& worker, bool live) {
  const MutexLock lock(mutex_);
  workers_[worker].live = live;
}

void Probe::turned(const std::string& worker) {
  const Clock::time_point now = clock_();
  const MutexLock lock(mutex_);
  workers_[worker].turned = now;
}

void Probe::begins(const std::string& worker, WorkerPhase phase,
                   std::optional<Partition> partition) {
  const Clock::time_point now = clock_();
  const MutexLock lock(mutex_);
  WatchedWorker& watched = workers_[worker];
  watched.phase = phase;
  watched.since = now;
  watched.partition = partition;
}

void Probe::holds(const std::string& worker, std::vector<HeldPartition> held) {
  const MutexLock lock(mutex_);
  workers_[worker].held = std::move(held);
}

void Probe::moved(const std::string& worker, const HeldPartition& held) {
  const MutexLock lock(mutex_);
  std::vector<HeldPartition>& all = workers_[worker].held;
  const auto found = std::ranges::find(all, held.partition, &HeldPartition::partition);
  if (found != all.end()) *found = held;
}

void Probe::ended(const std::string& worker) {
  const MutexLock lock(mutex_);
  workers_.erase(worker);
  // The next one of the name begins with nothing to say.
  totals_.stopped.erase(worker);
}

std::map<std::string, WatchedWorker> Probe::workers() const {
  const MutexLock lock(mutex_);
  return workers_;
}

void Probe::heard_of_log(const std::string& partition, Offset end, const std::string& trouble) {
  const MutexLock lock(mutex_);
  Found& known = found_[partition];
  known.log_end = end;
  known.log_trouble = trouble;
}

void Probe::waits_for(const std::string& partition, const std::string& what) {
  const MutexLock lock(mutex_);
  found_[partition].lock = what;
}

void Probe::flush_passed(const std::string& partition) {
  const MutexLock lock(mutex_);
  const auto known = found_.find(partition);
  if (known != found_.end()) known->second.lock.clear();
}

Probe::Found Probe::found(const std::string& partition) const {
  const MutexLock lock(mutex_);
  const auto known = found_.find(partition);
  return known == found_.end() ? Found{} : known->second;
}

}  // namespace sluice

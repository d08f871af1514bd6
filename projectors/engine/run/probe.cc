#include "projectors/engine/run/probe.h"

#include <algorithm>
#include <utility>

namespace sluice {

void Probe::flushed(std::uint64_t events, std::uint64_t duplicates, std::uint64_t rows) {
  const MutexLock lock(mutex_);
  totals_.folded += events;
  totals_.duplicates += duplicates;
  totals_.rows_flushed += rows;
  ++totals_.flushes;
}

void Probe::flush_took(std::chrono::nanoseconds took) {
  const MutexLock lock(mutex_);
  totals_.flushing += took;
}

void Probe::rejected(std::string_view reason) {
  const MutexLock lock(mutex_);
  auto found = totals_.rejected.find(reason);
  if (found == totals_.rejected.end()) found = totals_.rejected.emplace(reason, 0).first;
  ++found->second;
}

void Probe::quarantined(std::uint64_t records) {
  const MutexLock lock(mutex_);
  totals_.quarantined += records;
}

void Probe::retried() {
  const MutexLock lock(mutex_);
  ++totals_.retries;
}

void Probe::fenced() {
  const MutexLock lock(mutex_);
  ++totals_.fenced;
}

void Probe::stopped(const std::string& what, const std::string& why) {
  const MutexLock lock(mutex_);
  totals_.stopped[what] = why;
}

void Probe::running(const std::string& what) {
  const MutexLock lock(mutex_);
  totals_.stopped.erase(what);
}

void Probe::turned(const std::string& worker, Clock::time_point now) {
  const MutexLock lock(mutex_);
  Watched& watched = workers_[worker];
  watched.turned = now;
  watched.doing.clear();
  watched.partition.reset();
}

void Probe::begins(const std::string& worker, std::string doing, Partition partition) {
  const MutexLock lock(mutex_);
  Watched& watched = workers_[worker];
  watched.doing = std::move(doing);
  watched.partition = partition;
}

void Probe::holds(const std::string& worker, std::string_view projection, int generation,
                  std::vector<Held> held) {
  const MutexLock lock(mutex_);
  Watched& watched = workers_[worker];
  watched.projection = projection;
  watched.generation = generation;
  watched.held = std::move(held);
}

void Probe::session(const std::string& worker, int session) {
  const MutexLock lock(mutex_);
  workers_[worker].session = session;
}

void Probe::ended(const std::string& worker) {
  const MutexLock lock(mutex_);
  workers_.erase(worker);
}

void Probe::waits(const std::string& partition, const std::string& for_what) {
  const MutexLock lock(mutex_);
  found_[partition].waits_for = for_what;
}

void Probe::waits_no_more(const std::string& partition) {
  const MutexLock lock(mutex_);
  const auto found = found_.find(partition);
  if (found != found_.end()) found->second.waits_for.clear();
}

void Probe::log_end(const std::string& partition, Offset end) {
  const MutexLock lock(mutex_);
  found_[partition].log_end = end;
}

Probe::Found Probe::found(const std::string& partition) const {
  const MutexLock lock(mutex_);
  const auto found = found_.find(partition);
  return found == found_.end() ? Found{} : found->second;
}

Probe::Totals Probe::totals() const {
  const MutexLock lock(mutex_);
  return totals_;
}

std::map<std::string, Probe::Watched> Probe::workers() const {
  const MutexLock lock(mutex_);
  return workers_;
}

}  // namespace sluice

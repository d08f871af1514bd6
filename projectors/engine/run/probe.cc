#include "projectors/engine/run/probe.h"

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

Probe::Totals Probe::totals() const {
  const MutexLock lock(mutex_);
  return totals_;
}

void Probe::began(const std::string& worker, std::string_view projection, int generation,
                  const std::string& session) {
  const Clock::time_point now = clock_();
  const MutexLock lock(mutex_);
  Watched& watched = workers_[worker] = {};
  watched.projection = projection;
  watched.generation = generation;
  watched.session = session;
  watched.turned = watched.since = now;
}

void Probe::turned(const std::string& worker) {
  const Clock::time_point now = clock_();
  const MutexLock lock(mutex_);
  workers_[worker].turned = now;
}

void Probe::begins(const std::string& worker, Phase phase, std::optional<Partition> partition) {
  const Clock::time_point now = clock_();
  const MutexLock lock(mutex_);
  Watched& watched = workers_[worker];
  watched.phase = phase;
  watched.since = now;
  watched.partition = partition;
}

void Probe::holds(const std::string& worker, std::vector<Held> held) {
  const MutexLock lock(mutex_);
  workers_[worker].held = std::move(held);
}

void Probe::ended(const std::string& worker) {
  const MutexLock lock(mutex_);
  workers_.erase(worker);
}

std::map<std::string, Probe::Watched> Probe::workers() const {
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

std::string words_for(const Probe::Watched& worker) {
  const auto words = [&]() -> std::string {
    switch (worker.phase) {
      case Probe::Phase::joining:
        return "opening its reader";
      case Probe::Phase::reading:
        return "reading the log";
      case Probe::Phase::folding:
        return "folding";
      case Probe::Phase::claiming:
        return "the claim";
      case Probe::Phase::flushing:
        return "the flush";
      case Probe::Phase::ticking:
        return "appending a tick";
      case Probe::Phase::beating:
        return "its heartbeat";
    }
    return {};
  };
  if (!worker.partition) return words();
  return words() + " of " + worker.projection + ":" + std::to_string(worker.partition->value);
}

}  // namespace sluice

#include "projectors/engine/computed/computations.h"

#include <spdlog/spdlog.h>

#include <iterator>
#include <optional>
#include <utility>

#include "storage/base/check.h"

namespace sluice {
namespace {

// However long nothing is due.
constexpr std::chrono::seconds kLongestWait{10};
// Bytes that a result counts for beside its rows.
constexpr std::size_t kAroundResult = 256;

}  // namespace

std::uint64_t Computations::add(const Computed& what, std::shared_ptr<SharedState> state,
                                std::string label) {
  const MutexLock lock(mutex_);
  partitions_.emplace(next_partition_, Partition{&what, std::move(state), std::move(label), {}});
  return next_partition_++;
}

void Computations::remove(std::uint64_t partition) {
  const MutexLock lock(mutex_);
  const auto found = partitions_.find(partition);
  CHECK(found != partitions_.end(), "a partition is removed once");
  unpublished_ -= found->second.unpublished;
  unpublished_bytes_ -= found->second.bytes;
  partitions_.erase(found);
  queue_.drop(partition);
  wake();
}

bool Computations::offer(std::uint64_t partition, const Demand& demand) {
  const MutexLock lock(mutex_);
  const bool taken =
      queue_.offer({partition, std::string(demand.key)},
                   {demand.changed_at, demand.size, demand.changes}, clocks_.steady());
  wake();
  return taken;
}

void Computations::withdraw(std::uint64_t partition, std::string_view key) {
  const MutexLock lock(mutex_);
  queue_.withdraw({partition, std::string(key)});
}

bool Computations::has_room(std::uint64_t partition) {
  const MutexLock lock(mutex_);
  return queue_.has_room(partition, clocks_.steady());
}

void Computations::hurry(std::uint64_t partition, bool hurries) {
  const MutexLock lock(mutex_);
  queue_.hurry(partition, hurries);
  wake();
}

bool Computations::finished(std::uint64_t partition) const {
  const MutexLock lock(mutex_);
  return !partitions_.at(partition).finished.empty();
}

std::vector<ComputedResult> Computations::take(std::uint64_t partition) {
  const MutexLock lock(mutex_);
  std::vector<ComputedResult>& finished = partitions_.at(partition).finished;
  std::size_t bytes = 0;
  auto end = finished.begin();
  while (end != finished.end() && bytes < room_.bytes_taken) {
    bytes += kAroundResult + (end++)->bytes;
  }
  std::vector<ComputedResult> taken(std::move_iterator(finished.begin()), std::move_iterator(end));
  finished.erase(finished.begin(), end);
  return taken;
}

void Computations::published(std::uint64_t partition, const std::vector<ComputedResult>& results,
                             std::chrono::nanoseconds took) {
  const MutexLock lock(mutex_);
  Partition& of = partitions_.at(partition);
  for (const ComputedResult& result : results) {
    --of.unpublished;
    --unpublished_;
    of.bytes -= result.bytes;
    unpublished_bytes_ -= result.bytes;
    queue_.ended({partition, result.key}, result.took + took / results.size());
  }
  wake();
}

ComputationQueue::Count Computations::count(std::uint64_t partition) const {
  const MutexLock lock(mutex_);
  return queue_.count(partition, clocks_.steady());
}

void Computations::wake() {
  ++changes_;
  changed_.notify_all();
}

bool Computations::has_room_for_results() const {
  return running_ + unpublished_ < room_.results && unpublished_bytes_ < room_.bytes;
}

std::unique_ptr<RunningComputation> Computations::next() {
  const MutexLock lock(mutex_);
  if (!has_room_for_results()) return nullptr;
  const Clock::time_point now = clocks_.steady();
  std::optional<ComputationQueue::Key> key = queue_.begin(now);
  if (!key) return nullptr;
  const Partition& partition = partitions_.at(key->partition);
  auto running = std::make_unique<RunningComputation>(
      std::move(*key), RunningComputation::Of{partition.label, partition.state}, *partition.what,
      now);
  ++running_;
  return running;
}

bool Computations::read(RunningComputation& running) {
  return running.read([&](Offset as_of) {
    const MutexLock lock(mutex_);
    queue_.reads(running.key(), as_of);
  });
}

std::unique_ptr<RunningComputation> Computations::begin() {
  while (auto running = next()) {
    try {
      if (read(*running)) return running;
      give_up(*running);
    } catch (const std::exception& failure) {
      fail(*running, failure.what());
    }
  }
  return nullptr;
}

void Computations::finish(std::unique_ptr<RunningComputation> running) {
  try {
    std::optional<ComputedResult> result = running->compute(clocks_);
    if (!result) return give_up(*running);
    hand_in(*running, std::move(*result));
  } catch (const std::exception& failure) {
    fail(*running, failure.what());
  }
}

void Computations::hand_in(const RunningComputation& running, ComputedResult result) {
  const MutexLock lock(mutex_);
  --running_;
  ++totals_.done;
  totals_.spent += result.took;
  const auto partition = partitions_.find(running.key().partition);
  if (partition == partitions_.end()) return;
  spdlog::debug("computed partition={} key={} as_of={} ms={}", running.label(), running.key().name,
                result.as_of.value, result.took / std::chrono::milliseconds{1});
  ++partition->second.unpublished;
  ++unpublished_;
  partition->second.bytes += result.bytes;
  unpublished_bytes_ += result.bytes;
  partition->second.finished.push_back(std::move(result));
}

void Computations::give_up(const RunningComputation& running) {
  const MutexLock lock(mutex_);
  --running_;
  // Only a partition that goes stops what is computed of it.
  queue_.failed(running.key(), clocks_.steady());
}

void Computations::fail(const RunningComputation& running, const char* why) {
  spdlog::warn("computation failed partition={} key={} error=\"{}\"", running.label(),
               running.key().name, why);
  const MutexLock lock(mutex_);
  --running_;
  ++totals_.failed;
  queue_.failed(running.key(), clocks_.steady());
}

void Computations::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (auto running = begin()) {
      finish(std::move(running));
      continue;
    }
    MutexLock lock(mutex_);
    const Clock::time_point now = clocks_.steady();
    Clock::time_point until = now + kLongestWait;
    if (has_room_for_results()) until = std::min(until, queue_.next_begin());
    const std::uint64_t seen = changes_;
    if (until > now)
      changed_.wait_until(lock, stop, until,
                          [&]() SLUICE_REQUIRES(mutex_) { return changes_ != seen; });
  }
}

Computations::Totals Computations::totals() const {
  const MutexLock lock(mutex_);
  Totals totals = totals_;
  totals.now = queue_.count(clocks_.steady());
  totals.unpublished = unpublished_;
  return totals;
}

}  // namespace sluice

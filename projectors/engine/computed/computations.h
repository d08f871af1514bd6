#pragma once

// The computations of a process: what is due in all of its partitions, begun in a fair order and a
// few at a time, on threads of their own. Workers offer keys and take results; nothing of a
// computation happens on their threads.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "projectors/engine/computed.h"
#include "projectors/engine/computed/computation_queue.h"
#include "projectors/engine/computed/running_computation.h"
#include "projectors/engine/computed/shared_state.h"
#include "storage/base/mutex.h"

namespace sluice {

// Results that wait to be published: beyond these nothing is begun.
struct ComputationRoom {
  std::size_t results = 64;
  std::size_t bytes = std::size_t{64} << 20;
  // take() stops at the first result with which it has these bytes or more: a flush writes what
  // was taken in one transaction with the rows of facts, which become visible no sooner.
  std::size_t bytes_taken = std::size_t{512} << 10;
};

class Computations {
 public:
  using Clock = ComputationQueue::Clock;
  explicit Computations(ComputationPace pace = {}, ComputationRoom room = {},
                        ComputationClocks clocks = {})
      : clocks_(std::move(clocks)), room_(room), queue_(pace) {}

  // Partitions. Each function is called by the partition's own thread; numbers are never used
  // again.

  // `what` outlives this. `label` is for logs: "deliberation:3".
  [[nodiscard]] std::uint64_t add(const Computed& what, std::shared_ptr<SharedState> state,
                                  std::string label);
  // Whatever runs of it comes to nothing.
  void remove(std::uint64_t partition);
  // False when its keys are too many: offer again when it has_room().
  bool offer(std::uint64_t partition, const Demand& demand);
  void withdraw(std::uint64_t partition, std::string_view key);
  [[nodiscard]] bool has_room(std::uint64_t partition);
  // Whether its keys are computed as soon as they are due, whatever their pace.
  void hurry(std::uint64_t partition, bool hurries);
  [[nodiscard]] ComputationQueue::Count count(std::uint64_t partition) const;  // of keys held here
  // Results that wait for the partition, the first of which are its own from then on, until
  // published().
  [[nodiscard]] bool finished(std::uint64_t partition) const;
  [[nodiscard]] std::vector<ComputedResult> take(std::uint64_t partition);
  // `took` of the partition's time.
  void published(std::uint64_t partition, const std::vector<ComputedResult>& results,
                 std::chrono::nanoseconds took = {});
  [[nodiscard]] Clock::time_point now() const { return clocks_.steady(); }

  // Computing. Any thread, as many as are wanted.

  // Begins the next and reads what it is computed from; null: nothing may begin now.
  [[nodiscard]] std::unique_ptr<RunningComputation> begin();
  // Computes it and hands in the result, unless its partition is gone.
  void finish(std::unique_ptr<RunningComputation> running);
  // Does so, over and over, until stopped.
  void run(const std::stop_token& stop);

  struct Totals {
    ComputationQueue::Count now;
    std::size_t unpublished = 0;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    std::chrono::nanoseconds spent{0};
  };
  [[nodiscard]] Totals totals() const;

 private:
  struct Partition {
    const Computed* what;
    std::shared_ptr<SharedState> state;
    std::string label;
    std::vector<ComputedResult> finished;
    std::size_t unpublished = 0;  // finished, taken or not
    std::size_t bytes = 0;
  };

  [[nodiscard]] std::unique_ptr<RunningComputation> next();
  // Whether the input was read; false: its partition is gone.
  bool read(RunningComputation& running);
  void fail(const RunningComputation& running, const char* why);
  void give_up(const RunningComputation& running);
  void hand_in(const RunningComputation& running, ComputedResult result);
  void wake() SLUICE_REQUIRES(mutex_);
  [[nodiscard]] bool has_room_for_results() const SLUICE_REQUIRES(mutex_);

  const ComputationClocks clocks_;
  const ComputationRoom room_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  ComputationQueue queue_ SLUICE_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Partition> partitions_ SLUICE_GUARDED_BY(mutex_);
  std::uint64_t next_partition_ SLUICE_GUARDED_BY(mutex_) = 1;
  std::uint64_t changes_ SLUICE_GUARDED_BY(mutex_) = 0;  // that run() may have to heed
  std::size_t running_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::size_t unpublished_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::size_t unpublished_bytes_ SLUICE_GUARDED_BY(mutex_) = 0;
  Totals totals_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice

#pragma once

// One computation from its begin to its result: of one key, from the state as of one position.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "projectors/engine/computed.h"
#include "projectors/engine/computed/computation_queue.h"
#include "projectors/engine/computed/shared_state.h"
#include "storage/base/position.h"
#include "storage/flush_batch.h"

namespace sluice {

struct ComputationClocks {
  std::function<ComputationQueue::Clock::time_point()> steady = [] {
    return ComputationQueue::Clock::now();
  };
  std::function<Time()> wall = [] {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  };
};

// What came of one.
struct ComputedResult {
  std::string key;
  Offset as_of;
  std::chrono::nanoseconds took{0};
  ComputedRows rows;
  std::size_t bytes = 0;  // about
};

// Used by one thread at a time. Throws what the domain's computation throws, also where a CHECK of
// its rules fails.
class RunningComputation {
 public:
  // Of a partition.
  struct Of {
    std::string label;  // for logs: "deliberation:3"
    std::shared_ptr<SharedState> state;
  };
  RunningComputation(ComputationQueue::Key key, Of of, const Computed& what,
                     ComputationQueue::Clock::time_point begun_at);

  [[nodiscard]] const ComputationQueue::Key& key() const { return key_; }
  [[nodiscard]] const std::string& label() const { return of_.label; }

  // Reads what it is computed from, having told `reads` the position of the state that it is about
  // to read. False: its partition is gone.
  [[nodiscard]] bool read(const std::function<void(Offset as_of)>& reads);
  // After read(). nullopt: its partition is gone.
  [[nodiscard]] std::optional<ComputedResult> compute(const ComputationClocks& clocks);

 private:
  const ComputationQueue::Key key_;
  const Of of_;
  const std::stop_token stop_;
  const std::unique_ptr<Computation> computation_;
  const ComputationQueue::Clock::time_point begun_at_;
  Offset as_of_;
};

}  // namespace sluice

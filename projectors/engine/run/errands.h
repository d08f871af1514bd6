#pragma once

// Work for the worker that owns a partition, asked for by threads beside it and done on its own
// thread between two of its steps: there the state is exactly as of its checkpoint.

#include <chrono>
#include <compare>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "projectors/engine/computed/shared_state.h"
#include "storage/base/mutex.h"
#include "storage/base/position.h"
#include "storage/projection_sink.h"
#include "storage/state_store.h"

namespace sluice {

struct ErrandPlace {
  std::string projection;
  int generation = 1;
  Partition partition;
  auto operator<=>(const ErrandPlace&) const = default;
};

// What the owner of a partition lends for the time of an errand.
struct OwnedPartition {
  Partition partition;
  const Generation& generation;
  StateStore& store;  // as of its checkpoint: what is folded behind that is in memory only
  Offset written;     // the checkpoint's position
  Offset flushed;     // the view's, which is not behind that
  bool replaying;     // state folds what the view has already
  // State and view are at one position, and neither begins anew by itself.
  bool settled;
  // What the store is lent by beyond the errand; made by the first who lends. The owner recalls all
  // that is lent before the store goes.
  std::shared_ptr<SharedState>& lent;
};

// The mailbox of a process. Any thread.
class Errands {
 public:
  // Holds up the partition, so that it is to be short. What it throws reaches who asked.
  using Work = std::function<void(OwnedPartition&)>;

  // Has the work done, once, and waits for its end. False: no worker of this process began it
  // within `patience`, and none will. Retryable: too many wait already.
  [[nodiscard]] bool ask(const ErrandPlace& place, const Work& work,
                         std::chrono::milliseconds patience);

  // Does what is asked of a partition. By its owner, on its thread, once a turn.
  void serve(const ErrandPlace& place, OwnedPartition& owned);
  // Whether anything is asked of anybody: costs a worker with nothing to do no more than a lock.
  [[nodiscard]] bool any() const;

 private:
  static constexpr std::size_t kWaitingMax = 64;

  // Lives in ask(), whose thread takes it out of the list.
  struct Errand {
    const ErrandPlace& place;
    const Work& work;
    enum class Stage { waiting, begun, done } stage = Stage::waiting;
    std::exception_ptr failure = {};
  };

  Errand* next(const ErrandPlace& place);

  mutable Mutex mutex_;
  ConditionVariable changed_;
  std::list<Errand*> all_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice

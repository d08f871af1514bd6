#pragma once

// A partition's state as others may read it while its worker goes on: the worker writes through
// this, and closes it before the store goes.

#include <memory>
#include <optional>
#include <stop_token>

#include "storage/base/mutex.h"
#include "storage/base/position.h"
#include "storage/state_store.h"

namespace sluice {

class SharedState {
 public:
  explicit SharedState(StateStore& store) : store_(&store) {}

  // A snapshot that somebody holds. Must be let go of soon after the stop token says so.
  class Reading {
   public:
    Reading(SharedState& state, std::unique_ptr<StateSnapshot> snapshot, Offset as_of)
        : state_(&state), snapshot_(std::move(snapshot)), as_of_(as_of) {}
    ~Reading();
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    [[nodiscard]] const StateSnapshot& snapshot() const { return *snapshot_; }
    [[nodiscard]] Offset as_of() const { return as_of_; }

   private:
    SharedState* state_;
    std::unique_ptr<StateSnapshot> snapshot_;
    const Offset as_of_;
  };

  // The worker's thread.

  // The state is at this position.
  void set_position(Offset position);
  // Writes to the store, which is at this position then.
  void write(const StateBatch& batch, Offset position);
  // Tells readers to stop, and returns when none is left.
  void close();

  // Any thread.

  // Null when closed.
  [[nodiscard]] std::unique_ptr<Reading> read();
  // Stopped by close().
  [[nodiscard]] std::stop_token stop() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  Mutex mutex_;
  ConditionVariable let_go_;
  StateStore* store_ SLUICE_GUARDED_BY(mutex_);  // null: closed
  Offset position_ SLUICE_GUARDED_BY(mutex_);
  int readings_ SLUICE_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluice

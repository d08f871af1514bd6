#pragma once

// A partition's state as its owner lends it to a thread beside it.

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "projectors/engine/computed/shared_state.h"
#include "projectors/engine/fold/state_checkpoint.h"
#include "storage/base/position.h"
#include "storage/state_store.h"

namespace sluice {

// As it was between two steps of its owner: all that is folded and written, and no more. To be let
// go of within a part of a second; at once when stopping().
class LentState {
 public:
  // Corrupt: its checkpoint cannot be read.
  explicit LentState(std::shared_ptr<SharedState> state)
      : state_(std::move(state)), reading_(state_ ? state_->read() : nullptr) {
    if (reading_) head_ = stored_checkpoint(reader());
  }

  // False: it was closed before it was lent.
  [[nodiscard]] explicit operator bool() const { return reading_ != nullptr; }
  // What the state says of itself; nullopt: nothing was ever folded.
  [[nodiscard]] const std::optional<StateCheckpoint>& head() const { return head_; }
  [[nodiscard]] Offset position() const { return Offset{head_ ? head_->position() : 0}; }
  [[nodiscard]] Digest digest() const { return Digest{head_ ? head_->digest() : 0}; }
  [[nodiscard]] bool stopping() const { return state_->stop().stop_requested(); }
  [[nodiscard]] std::unique_ptr<StateCursor> scan(std::string_view from,
                                                  std::string_view to) const {
    return reading_->snapshot().scan(from, to);
  }

 private:
  [[nodiscard]] GetState reader() const {
    return [this](std::string_view key, std::string& value) {
      std::string end(key);
      end.push_back('\0');
      const auto at = scan(key, end);
      if (at->valid()) value.assign(at->value());
      return at->valid();
    };
  }

  std::shared_ptr<SharedState> state_;
  std::unique_ptr<SharedState::Reading> reading_;  // of it
  std::optional<StateCheckpoint> head_;
};

// nullptr: the owner is not here, or cannot lend it now, as while it replays.
using LendState = std::function<std::unique_ptr<LentState>()>;

}  // namespace sluice

#include "projectors/engine/computed/shared_state.h"

#include <chrono>

#include "storage/base/check.h"

namespace sluice {
namespace {

// Who reads looks at the stop token with every row.
constexpr std::chrono::seconds kLetGoIn{60};

}  // namespace

SharedState::Reading::~Reading() {
  snapshot_.reset();
  const MutexLock lock(state_->mutex_);
  --state_->readings_;
  state_->let_go_.notify_all();
}

void SharedState::set_position(Offset position) {
  const MutexLock lock(mutex_);
  position_ = position;
}

void SharedState::write(const StateBatch& batch, Offset position) {
  const MutexLock lock(mutex_);
  CHECK(store_ != nullptr, "what is closed is not written");
  store_->write(batch);
  position_ = position;
}

void SharedState::close() {
  stop_.request_stop();
  MutexLock lock(mutex_);
  const bool free =
      let_go_.wait_for(lock, kLetGoIn, [this]() SLUICE_REQUIRES(mutex_) { return readings_ == 0; });
  CHECK(free, "whoever reads a partition's state lets go of it when told");
  store_ = nullptr;
}

std::unique_ptr<SharedState::Reading> SharedState::read() {
  const MutexLock lock(mutex_);
  if (store_ == nullptr || stop_.stop_requested()) return nullptr;
  auto reading = std::make_unique<Reading>(*this, store_->snapshot(), position_);
  ++readings_;
  return reading;
}

}  // namespace sluice

#include "projectors/engine/run/following.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "storage/base/errors.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

}  // namespace

Following::Following(FollowingPace pace, GenerationBuilder* builder)
    : pace_(std::move(pace)), builder_(builder) {}

void Following::look(Clock::time_point now, bool advances) {
  advance_due_ = advance_due_ || advances;
  if (live_ || builder_ == nullptr || now < next_look_) return;
  next_look_ = now + pace_.interval;
  try {
    live_positions_ = builder_->live_positions();
    if (!std::exchange(advance_due_, false)) return;
    if (phase_ != BuildPhase::following) phase_ = builder_->advance();
    if (phase_ == BuildPhase::following) builder_->note_ready(pace_.loads_within);
  } catch (const Retryable&) {
    // As the beat tells.
  }
}

std::optional<Offset> Following::limit(Partition partition) const {
  if (live_) return std::nullopt;
  const auto found = live_positions_.find(partition);
  return found == live_positions_.end() ? Offset{0} : found->second;
}

bool Following::at_limit(const Projector& projector) const {
  const std::optional<Offset> until = limit(projector.partition());
  return until && projector.reads_from() >= *until;
}

bool Following::load_due(const Projector& projector) const {
  const auto live = live_positions_.find(projector.partition());
  if (!projector.may_load() || live == live_positions_.end()) return false;
  return projector.position() <= live->second &&
         live->second.value - projector.position().value <= pace_.loads_within;
}

bool Following::may_fold(const Projector& projector) const {
  if (live_) return true;
  if (at_limit(projector)) return false;
  return projector.in_bulk() ? !load_due(projector) : phase_ == BuildPhase::following;
}

void Following::rest(std::chrono::nanoseconds worked, const std::stop_token& stop) const {
  constexpr milliseconds kLongest{1000};
  constexpr double kLeast = 0.01;
  const double share = std::clamp(pace_.share(), kLeast, 1.0);
  const auto due =
      std::chrono::duration_cast<std::chrono::nanoseconds>(worked * (1 - share) / share);
  const auto end = Clock::now() + std::min<std::chrono::nanoseconds>(due, kLongest);
  constexpr milliseconds kPiece{20};
  while (!stop.stop_requested() && Clock::now() < end) {
    std::this_thread::sleep_for(std::min<Clock::duration>(kPiece, end - Clock::now()));
  }
}

}  // namespace sluice

#include "storage/generation_swap.h"

#include <algorithm>
#include <utility>

#include "storage/base/crash_point.h"

namespace sluice {

namespace {

using Ended = SwapSession::Ended;
using Again = SwapSession::Again;

// For what is awaited between two tries, and longer than both.
constexpr std::chrono::seconds kUnheld{2};
constexpr std::chrono::seconds kHurried{10};

}  // namespace

std::optional<GenerationSwap::Result> GenerationSwap::step(Clock::time_point now) {
  wait_ = {};
  try {
    if (auto ended = take(now)) return end(std::move(*ended), now);
    return std::nullopt;
  } catch (const Retryable& failure) {
    const auto late = session_.not_in_time(failure);
    if (!late) throw;
    return end(Again{"busy", "a flush or another command did not end in time: " + *late}, now);
  }
}

std::optional<Ended> GenerationSwap::take(Clock::time_point now) {
  switch (next_) {
    case Step::begin:
      next_ = Step::lock_live;
      return session_.begin();
    case Step::lock_live:
      next_ = Step::look;
      until_.reset();
      session_.lock_live();
      return std::nullopt;
    case Step::look:
      return look(now);
    case Step::await_computed_held:
      await_computed(now, Step::lock_other);
      return std::nullopt;
    case Step::lock_other:
      next_ = Step::require_computed;
      session_.lock_other();
      return std::nullopt;
    case Step::require_computed:
      return require_computed();
    case Step::mark:
      next_ = Step::await_snapshots;
      until_.reset();
      session_.commit_mark();
      crash_point(CrashPoint("swap.marked"));
      return std::nullopt;
    case Step::await_snapshots:
      await_snapshots(now);
      return std::nullopt;
    // Before the views are locked: readers are to wait for as little as can be.
    case Step::write:
      next_ = Step::show;
      session_.write();
      return std::nullopt;
    case Step::show:
      next_ = Step::commit;
      return session_.show();
    case Step::commit:
      return commit();
    case Step::hurry:
      hurry(now);
      return std::nullopt;
    case Step::await_computed:
      await_computed(now, Step::begin);
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Ended> GenerationSwap::look(Clock::time_point now) {
  if (!until_) until_ = now + kHeldAtMost;
  PairStand stand = session_.look();
  if (stand.another_log) return refuse_log(other_);
  if (stand.equal) {
    positions_ = std::move(stand.positions);
    // Until `until_` too: the live one is held up for a second in all.
    next_ = hurried_ ? Step::await_computed_held : Step::lock_other;
    return std::nullopt;
  }
  if (now >= *until_) return Again{"busy", not_at_one_position(stand)};
  wait_ = kBetweenLooks;
  return std::nullopt;
}

std::optional<Ended> GenerationSwap::require_computed() {
  if (std::string behind = session_.still_computed(); !behind.empty()) {
    computing_ = true;
    return Again{"busy", std::move(behind)};
  }
  next_ = Step::mark;
  crash_point(CrashPoint("swap.positions_locked"));
  return std::nullopt;
}

// Snapshots without the mark are told to begin again once they come to the views: most end by
// themselves before.
void GenerationSwap::await_snapshots(Clock::time_point now) {
  if (!until_) until_ = now + kHeldAtMost;
  if (now < *until_ && session_.older_snapshots()) {
    wait_ = kBetweenLooks;
  } else {
    next_ = Step::write;
  }
}

// Keys that change all the time never all are where readers saw them unless the live one stands:
// what is left after a while without holding anything up is little, and computed while it does.
void GenerationSwap::hurry(Clock::time_point now) {
  next_ = Step::await_computed;
  until_ = std::min<Clock::time_point>(computed_by_, now + kUnheld);
  hurried_ = true;
  session_.hurry(kHurried);
}

void GenerationSwap::await_computed(Clock::time_point now, Step then) {
  if (now < until_.value_or(now) && !session_.still_computed().empty()) {
    wait_ = kBetweenLooks;
  } else {
    next_ = then;
  }
}

std::optional<Ended> GenerationSwap::commit() {
  crash_point(CrashPoint("swap.views_made"));
  if (!session_.commit()) return Again{"locked", "the transaction was lost with its session"};
  crash_point(CrashPoint("swap.committed"));
  return positions_;
}

std::optional<GenerationSwap::Result> GenerationSwap::end(Ended ended, Clock::time_point now) {
  session_.release();
  if (auto* done = std::get_if<Positions>(&ended)) return std::move(*done);
  if (auto* refused = std::get_if<GenerationRefusal>(&ended)) return std::move(*refused);
  const Again& again = std::get<Again>(ended);
  const bool computing = std::exchange(computing_, false);
  bool out_of_time = now >= (computing ? computed_by_ : deadline_);
  if (again.word == "busy" && !computing) out_of_time = ++apart_ == kTries;
  if (out_of_time) return GenerationRefusal{again.word, again.reason};
  // Flushes, which waited, go on meanwhile.
  wait_ = kBetweenTries;
  next_ = computing ? Step::hurry : Step::begin;
  return std::nullopt;
}

}  // namespace sluice

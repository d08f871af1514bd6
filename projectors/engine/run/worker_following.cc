// What a worker does for a generation that readers do not see: it is folded beside the live one,
// loaded when it has come close to that, and then follows it.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>

#include "projectors/engine/run/worker.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

}  // namespace

void Worker::require_version() const {
  if (generation_.version == projection_.version) return;
  throw Misconfigured(std::string(projection_.name) + " was folded by version " +
                      std::to_string(generation_.version) +
                      " of its rules, this program has version " +
                      std::to_string(projection_.version) +
                      ": start the program of that version, or let `sluice rebuild " +
                      std::string(projection_.name) + "` of this one fold the log anew beside it");
}

// A generation becomes the live one, or another does, while no record comes.
void Worker::look_at_generation() {
  bool live = generation_.live;
  try {
    live = parts_.sink.generation().live;
  } catch (const Retryable&) {
    return;  // as the beat tells
  }
  if (live == generation_.live) return;
  spdlog::info("generation {} projection={} generation={}", live ? "live" : "no longer live",
               projection_.name, generation_.number);
  for (const auto& [partition, assigned] : assigned_) parts_.probe.running(label(partition));
  generation_.live = live;
  parts_.probe.shown(config_.name, live);
  for (auto& [partition, assigned] : assigned_) {
    if (!assigned.projector || assigned.projector->in_doubt()) continue;
    guarded(partition, assigned, [&] { take_anew(partition, assigned); });
  }
}

void Worker::look_at_live() {
  if (generation_.live || parts_.builder == nullptr || now_ < next_look_at_live_) return;
  next_look_at_live_ = now_ + config_.follow_interval;
  try {
    live_positions_ = parts_.builder->live_positions();
    if (now_ < next_progress_) return;
    if (phase_ != BuildPhase::following) phase_ = parts_.builder->advance();
    if (phase_ == BuildPhase::following) parts_.builder->note_ready(config_.loads_within);
  } catch (const Retryable&) {
    // As the beat tells. What was known before still holds: positions do not go back.
  }
}

// Nothing from here on may be folded; nullopt: everything may.
std::optional<Offset> Worker::limit(Partition partition) const {
  if (generation_.live) return std::nullopt;
  const auto found = live_positions_.find(partition);
  return found == live_positions_.end() ? Offset{0} : found->second;
}

bool Worker::at_limit(Partition partition, const Assigned& assigned) const {
  const std::optional<Offset> until = limit(partition);
  return until && assigned.projector->reads_from() >= *until;
}

// Once it is close, or where nothing is left to fold; where the live one never was there is nothing
// to be close to.
bool Worker::load_due(Partition partition, const Assigned& assigned) const {
  const Projector& projector = *assigned.projector;
  const auto live = live_positions_.find(partition);
  if (!projector.may_load() || live == live_positions_.end()) return false;
  return projector.position() <= live->second &&
         live->second.value - projector.position().value <= config_.loads_within;
}

// A partition that is to be loaded, or that is and has no keys yet, stands still.
bool Worker::may_fold(Partition partition, const Assigned& assigned) const {
  if (generation_.live) return true;
  if (at_limit(partition, assigned)) return false;
  const Projector& projector = *assigned.projector;
  return projector.in_bulk() ? !load_due(partition, assigned) : phase_ == BuildPhase::following;
}

// Until it follows, it is to leave the processor to the live one.
bool Worker::builds() const { return !generation_.live && phase_ != BuildPhase::following; }

// Sleeps after work, so that working takes no more than the share of the time that is allowed.
void Worker::rest(std::chrono::nanoseconds worked, const std::stop_token& stop) const {
  constexpr milliseconds kLongest{1000};
  constexpr double kLeast = 0.01;
  const double share = std::clamp(config_.share(), kLeast, 1.0);
  const auto due =
      std::chrono::duration_cast<std::chrono::nanoseconds>(worked * (1 - share) / share);
  const auto end = Clock::now() + std::min<std::chrono::nanoseconds>(due, kLongest);
  constexpr milliseconds kPiece{20};
  while (!stop.stop_requested() && Clock::now() < end) {
    std::this_thread::sleep_for(std::min<Clock::duration>(kPiece, end - Clock::now()));
  }
}

void Worker::build(Partition partition, Assigned& assigned) {
  enter(Probe::Phase::flushing, partition);
  assigned.projector->load(assigned.log_end, config_.share());
  enter(Probe::Phase::folding);
  if (assigned.projector->in_doubt()) {
    return assigned.backoff.failed(now_, config_.backoff, jitter_);
  }
  works_again(assigned);
  parts_.probe.flush_passed(label(partition));
  assigned.last_flush = now_;
  assigned.folded = 0;
  spdlog::info("partition loaded projection={} generation={} partition={} position={}",
               projection_.name, generation_.number, partition.value,
               assigned.projector->flushed().value);
}

}  // namespace sluice

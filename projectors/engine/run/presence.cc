#include "projectors/engine/run/presence.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "storage/base/crash_point.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

// "HOST:PROCESS:..." for people.
std::string told_of(const std::string& owner) {
  const auto host = owner.find(':');
  const auto process = host == std::string::npos ? host : owner.find(':', host + 1);
  if (process == std::string::npos) return "another process (" + owner + ")";
  return "process " + owner.substr(host + 1, process - host - 1) + " on " + owner.substr(0, host);
}

}  // namespace

Presence::Presence(ProjectionSink& sink, Probe& probe, std::string worker, std::string instance)
    : sink_(sink),
      probe_(probe),
      name_(std::move(worker) + " view"),
      instance_(std::move(instance)) {}

std::optional<std::vector<std::optional<ViewPosition>>> Presence::show(
    const std::vector<LogProgress>& progress) {
  try {
    auto views = sink_.show_progress(progress);
    lacks_.clear();
    crash_point(CrashPoint("progress.shown"));
    if (!std::exchange(trouble_, {}).empty()) {
      probe_.running(name_);
      spdlog::info("progress shown again worker=\"{}\"", name_);
    }
    return views;
  } catch (const Retryable& failure) {
    not_heard(failure.what());
  } catch (const Misconfigured& failure) {
    lacks_ = failure.what();
    not_heard(failure.what());
  }
  return std::nullopt;
}

void Presence::not_heard(const std::string& why) {
  probe_.stopped(name_, why);
  // Once each: what stays so is told by readiness.
  if (std::exchange(trouble_, why) == why) return;
  spdlog::warn("progress not shown worker=\"{}\" error=\"{}\"", name_, why);
}

void Presence::release(std::vector<LogProgress> progress) {
  if (progress.empty()) return;
  for (LogProgress& each : progress) each.leaves = true;
  try {
    static_cast<void>(sink_.show_progress(progress));
  } catch (const Error& failure) {
    spdlog::info("not said that partitions are let go worker=\"{}\" error=\"{}\"", name_,
                 failure.what());
  }
}

void Presence::require_silence(Partition partition) {
  const std::optional<ViewPosition> view = sink_.position(partition);
  if (!view || view->silent >= kOwnerGone) return;
  // A view restored to a claim that was ours.
  if (view->owner.starts_with(instance_ + "/")) return;
  throw Fenced(told_of(view->owner) +
               " took the partition and still has it: two processes that were given the same "
               "partition write into one database; end one of them");
}

}  // namespace sluice

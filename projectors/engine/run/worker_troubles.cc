// What a worker does about each failure, of a partition or of the log.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>

#include "projectors/engine/run/worker.h"
#include "storage/base/errors.h"
#include "storage/damaged_state.h"

namespace sluice {
namespace {

std::string told_with_folder(const DamagedState& damage, const std::string& folder) {
  const std::string what = std::string("the state is damaged: ") + damage.what();
  if (folder.empty()) return what;
  return what + ". It lies in " + folder +
         ". Stop this process, delete that folder and start it again: then this partition alone is "
         "folded again, from the newest snapshot or the beginning of its log";
}

}  // namespace

// Our place in the group may be gone: lets go of everything, to join again. Until then nobody but
// us can say why nothing of what we had is folded.
void Worker::log_away(const Retryable& failure) {
  parts_.probe.retried();
  reader_backoff_.failed(now_, config_.backoff, jitter_);
  parts_.probe.stopped(config_.name, failure.what());
  spdlog::warn("log away projection={} retry_ms={} error=\"{}\"", projection_.name,
               reader_backoff_.pause().count(), failure.what());
  log_trouble_ = failure.what();
  flush_all();
  for (auto& [partition, assigned] : assigned_) {
    away_.push_back(held(partition, assigned));
  }
  recall_all();
  assigned_.clear();
  tell_whom_it_has();
  reader_.reset();
}

// Where the log has not what we were to read, the partition is taken again, from the view: what was
// not published is dropped, and taking says what is wrong with the log, if anything is.
void Worker::read_anew(const Unreadable& failure) {
  const auto found = assigned_.find(failure.partition());
  if (found == assigned_.end() || found->second.stopped) return;
  const Partition partition = found->first;
  Assigned& assigned = found->second;
  guarded(partition, assigned, [&] {
    if (failure.cause() == Unreadable::Cause::damage) {
      assigned.damage = failure.what();
      return;
    }
    spdlog::warn("reading anew projection={} generation={} partition={} reason=\"{}\"",
                 projection_.name, generation_.number, partition.value, failure.what());
    take_anew(partition, assigned);
  });
}

void Worker::react(Partition partition, Assigned& assigned) {
  try {
    throw;
  } catch (const Retryable& failure) {
    try_again(partition, assigned, failure);
  } catch (const Misconfigured& failure) {
    // Nothing was changed, and who can change what is in the way may do so while we run.
    try_again(partition, assigned, failure);
  } catch (const Fenced& failure) {
    // The log is asked first whether the partition is still ours.
    parts_.probe.fenced(label(partition));
    assigned.projector.reset();
    assigned.fenced = true;
    troubled(partition, assigned, failure.what());
    assigned.backoff.failed(now_, config_.backoff, jitter_);
    spdlog::info("fenced projection={} generation={} partition={} reason=\"{}\"", projection_.name,
                 generation_.number, partition.value, failure.what());
  } catch (const DamagedState& damage) {
    stop(partition, assigned,
         told_with_folder(damage, parts_.state_folder ? parts_.state_folder(partition) : ""));
  } catch (const std::exception& failure) {
    stop(partition, assigned, failure.what());
  }
}

void Worker::stop(Partition partition, Assigned& assigned, const std::string& why) {
  // Of one that could not be taken nobody knows where folding would go on.
  const std::string at =
      assigned.projector ? std::to_string(assigned.projector->reads_from().value) : "unknown";
  assigned.projector.reset();
  assigned.stopped = true;
  troubled(partition, assigned, why.c_str());
  spdlog::error(
      "partition stopped projection={} generation={} partition={} position={} reason=\"{}\"",
      projection_.name, generation_.number, partition.value, at, why);
}

void Worker::troubled(Partition partition, Assigned& assigned, const char* why) {
  assigned.trouble = why;
  parts_.probe.stopped(label(partition), why);
}

void Worker::try_again(Partition partition, Assigned& assigned, const Error& failure) {
  parts_.probe.retried();
  if (assigned.projector && !assigned.projector->intact()) {
    assigned.projector.reset();
    recall(assigned);
    // A store that could not write may take nothing more until it is opened again.
    assigned.snapshots.reset();
    assigned.store.reset();
  }
  assigned.backoff.failed(now_, config_.backoff, jitter_);
  troubled(partition, assigned, failure.what());
  spdlog::warn("retrying projection={} generation={} partition={} retry_ms={} error=\"{}\"",
               projection_.name, generation_.number, partition.value,
               assigned.backoff.pause().count(), failure.what());
}

}  // namespace sluice

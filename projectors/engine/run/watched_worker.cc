#include "projectors/engine/run/watched_worker.h"

#include <algorithm>

namespace sluice {

std::optional<std::chrono::milliseconds> freshness(const HeldPartition& held, Offset log_end,
                                                   Time now) {
  using std::chrono::milliseconds;
  if (!held.position) return std::nullopt;
  // Of what stands still nobody knows what it lacks: its log may have been restored.
  if (held.trouble.empty() && *held.position >= log_end) return milliseconds{0};
  const std::optional<Time> since = held.oldest ? held.oldest : held.complete_at;
  if (!since) return std::nullopt;
  return std::max(now - *since, milliseconds{1});
}

std::string words_for(const WatchedWorker& worker) {
  const auto words = [&]() -> std::string {
    switch (worker.phase) {
      case WorkerPhase::joining:
        return "opening its reader";
      case WorkerPhase::reading:
        return "reading the log";
      case WorkerPhase::folding:
        return "folding";
      case WorkerPhase::claiming:
        return "the claim";
      case WorkerPhase::flushing:
        return "the flush";
      case WorkerPhase::ticking:
        return "appending a tick";
      case WorkerPhase::beating:
        return "its heartbeat";
      case WorkerPhase::answering:
        return "what was asked";
    }
    return {};
  };
  if (!worker.partition) return words();
  return words() + " of " + worker.projection + ":" + std::to_string(worker.partition->value);
}

}  // namespace sluice

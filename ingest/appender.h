#pragma once

// Appends what all requests have waiting, in one call a stream: the log's cost for an
// acknowledgement is shared by everybody who waits for one. A partition that takes nothing (it has
// no leader, its broker hangs) does not hold up the others: what it did not take in a short time is
// handed to a second thread with a more patient writer, and so is what comes for it from then on,
// until it moves again.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/append_queue.h"
#include "ingest/append_request.h"
#include "ingest/ingest_probe.h"
#include "ingest/stream_append.h"
#include "storage/base/mutex.h"
#include "storage/event_log.h"

namespace sluice {

struct AppenderLimits {
  // What may wait: beyond it requests are refused at once, so that memory is bounded. A quarter of
  // it at most waits for partitions that do not move.
  std::size_t waiting_bytes = std::size_t{32} << 20;
  std::size_t waiting_requests = 10'000;
  // How much goes into one append.
  std::size_t append_bytes = std::size_t{8} << 20;
  // A request that has waited this long is refused with Retry-After, instead of appended late.
  std::chrono::milliseconds patience{10'000};
};

// Called on the appender's threads.
struct AppendedLog {
  // Letters and digits that tell the log of a partition from every other of its name, for tokens;
  // empty where nothing tells it. `reached` is the position behind a record that was just appended.
  // Throws Corrupt where the log has given out an offset again: views will never count the record.
  std::function<std::string(std::string_view domain, Partition partition, Offset reached)>
      short_form = [](std::string_view, Partition, Offset) { return std::string(); };
  // Events were not appended: the stream may be gone.
  std::function<void(std::string_view domain)> failed = [](std::string_view) {};
};

class Appender {
 public:
  using Done = std::function<void(Appended)>;

  // `patient` may be null: then what `writer` does not take is refused.
  Appender(EventWriter& writer, EventWriter* patient, AppenderLimits limits, IngestProbe& probe,
           AppendedLog log);

  // Any thread. Takes the batch and calls `done` once, on a thread of the appender's; or returns
  // false, when too much is waiting or the appender stops, and calls nothing.
  [[nodiscard]] bool submit(AdmittedBatch& batch, Done done);

  // Appends until stopped and nothing waits any more.
  void run(const std::stop_token& stop);
  // The same for partitions that do not move; returns at once without a patient writer. To be
  // stopped after run() has returned.
  void run_patient(const std::stop_token& stop);

  // Any thread.
  [[nodiscard]] AppendQueue::Size waiting() const;

 private:
  // What one thread appends.
  struct Lane {
    Lane(EventWriter& writer, AppendQueue::Size most, IngestProbe& probe)
        : queue(most), append(writer, probe) {}
    AppendQueue queue;
    StreamAppend append;
  };

  void run(Lane& lane, const std::stop_token& stop);
  void append(Lane& lane, std::vector<AppendRequest>& group);
  void answer(const Lane& lane, StreamAppend::Result& result);
  void answer_whole(AppendRequest& request) const;
  [[nodiscard]] std::string token_of(const AppendRequest& request) const;
  [[nodiscard]] bool hand_over(AppendRequest& request);
  [[nodiscard]] bool is_for_stuck(const AdmittedBatch& batch) const;
  void forget_moving(const std::string& domain, std::span<const NewRecord> records);

  const AppenderLimits limits_;
  const AppendedLog log_;
  Lane quick_;
  std::unique_ptr<Lane> patient_;
  mutable Mutex mutex_;
  std::set<std::pair<std::string, Partition>> stuck_ SLUICE_GUARDED_BY(mutex_);  // by domain
};

}  // namespace sluice

#pragma once

// One thread that appends what all requests have waiting, in one call a stream: the log's cost for
// an acknowledgement is shared by everybody who waits for one.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "ingest/admitted_batch.h"
#include "ingest/ingest_probe.h"
#include "storage/event_log.h"

namespace sluice {

struct AppenderLimits {
  // What may wait: beyond it requests are refused at once, so that memory is bounded.
  std::size_t waiting_bytes = std::size_t{32} << 20;
  std::size_t waiting_requests = 10'000;
  // How much goes into one append.
  std::size_t append_bytes = std::size_t{8} << 20;
  // Who has waited this long is told to come again, instead of being appended late.
  std::chrono::milliseconds patience{10'000};
};

// What became of a request's events.
struct Appended {
  enum class Outcome {
    done,       // the log has them all: `token`
    not_begun,  // none is in the log
    unknown,    // some may be in the log
  };
  Outcome outcome = Outcome::not_begun;
  std::string token;   // "deliberation:0@12,deliberation:3@812"
  std::string reason;  // of not being done
  std::vector<std::string> ids;
};

class Appender {
 public:
  using Done = std::function<void(Appended)>;

  Appender(EventWriter& writer, AppenderLimits limits, IngestProbe& probe)
      : writer_(writer), limits_(limits), probe_(probe) {}

  // Any thread. Takes the batch and calls `done` once, on the appender's thread; or returns false,
  // when too much is waiting or the appender stops, and calls nothing.
  [[nodiscard]] bool submit(AdmittedBatch& batch, Done done);

  // Appends until stopped and nothing waits any more.
  void run(const std::stop_token& stop);

  struct Queue {
    std::size_t requests;
    std::size_t bytes;
  };
  // Any thread.
  [[nodiscard]] Queue waiting() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    AdmittedBatch batch;
    Done done;
    Clock::time_point since;
  };

  // Takes the oldest requests, about append_bytes of them; none when stopped.
  std::vector<Waiting> take(const std::stop_token& stop);
  void append(std::vector<Waiting>& group);
  void append_stream(const std::string& domain, std::span<Waiting* const> requests);

  EventWriter& writer_;
  const AppenderLimits limits_;
  IngestProbe& probe_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any more_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool stopped_ = false;
  // The appender's thread only; reused.
  std::vector<NewRecord> records_;
};

}  // namespace sluice

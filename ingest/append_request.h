#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "ingest/admitted_batch.h"
#include "storage/base/position.h"

namespace sluice {

// An event whose record its stream does not take.
struct OversizeEvent {
  std::size_t index;  // in the request
  std::size_t bytes;  // of the record: key and envelope
  std::size_t limit;  // 0: not known
};

// What became of a request's events.
struct Appended {
  enum class Outcome {
    done,       // the log has them all: `token`
    too_large,  // none is in the log, and some never will be: `oversize`
    not_begun,  // none is in the log
    unknown,    // some may be in the log
  };
  Outcome outcome = Outcome::not_begun;
  std::string token;   // "deliberation~k3f9q2:0@12,deliberation~x81ab0:3@812"
  std::string reason;  // of not being done
  std::vector<std::string> ids;
  std::vector<OversizeEvent> oversize;
};

// A request's events on their way into the log.
struct AppendRequest {
  using Clock = std::chrono::steady_clock;

  AdmittedBatch batch;
  std::function<void(Appended)> done;  // called once
  Clock::time_point since;
  // Of the batch's items, where an earlier append took some of them: -1 for the others.
  std::vector<Offset> offsets;
};

}  // namespace sluice

#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <chrono>
#include <cstddef>
#include <string_view>

namespace sluice {

// What an operator wants to know of ingest. Any thread.
class IngestProbe {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // Why a post was refused.
  enum class Refusal {
    kMalformed,
    kMediaType,
    kTooLarge,
    kInadmissible,
    kDraining,
    kQueueFull,
    kLogSlow,
    kLogFailed,
    kDomain,
  };

  explicit IngestProbe(prometheus::Registry& registry);

  // Of any request.
  void answered(int status);
  // From a whole request to its answer.
  void posted(Duration took);
  void refused(Refusal why);
  void acknowledged(std::string_view domain, std::size_t events);
  void appended(Duration took, std::size_t events);
  void append_failed();
  // What is there at this moment.
  struct State {
    std::size_t connections;
    std::size_t memory_bytes;
    std::size_t waiting_requests;
    std::size_t waiting_bytes;
  };
  void state(const State& state);

 private:
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Counter>& refused_;
  prometheus::Family<prometheus::Counter>& events_;
  prometheus::Counter& append_failures_;
  prometheus::Histogram& post_seconds_;
  prometheus::Histogram& append_seconds_;
  prometheus::Histogram& append_events_;
  prometheus::Gauge& connections_;
  prometheus::Gauge& memory_bytes_;
  prometheus::Gauge& waiting_requests_;
  prometheus::Gauge& waiting_bytes_;
};

}  // namespace sluice

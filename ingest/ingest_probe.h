#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

// What an operator wants to know of ingest. Any thread.
class IngestProbe {
 public:
  explicit IngestProbe(prometheus::Registry& registry)
      : requests_(prometheus::BuildCounter()
                      .Name("sluice_ingest_requests_total")
                      .Help("HTTP requests answered, by status")
                      .Register(registry)),
        events_(prometheus::BuildCounter()
                    .Name("sluice_ingest_events_total")
                    .Help("Events that the log acknowledged, by domain")
                    .Register(registry)),
        waiting_(prometheus::BuildGauge()
                     .Name("sluice_ingest_waiting_bytes")
                     .Help("Bytes of admitted events that wait for the log")
                     .Register(registry)
                     .Add({})) {}

  void answered(int status) { requests_.Add({{"status", std::to_string(status)}}).Increment(); }
  void acknowledged(std::string_view domain, std::size_t events) {
    events_.Add({{"domain", std::string(domain)}}).Increment(static_cast<double>(events));
  }
  void waiting(std::size_t bytes) { waiting_.Set(static_cast<double>(bytes)); }

 private:
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Counter>& events_;
  prometheus::Gauge& waiting_;
};

}  // namespace sluice

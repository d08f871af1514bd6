#include "ingest/ingest_probe.h"

#include <string>

namespace sluice {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Histogram;

const Histogram::BucketBoundaries& second_buckets() {
  static const Histogram::BucketBoundaries buckets{.0005, .001, .0025, .005, .01, .025, .05,
                                                   .1,    .25,  .5,    1,    2.5, 5,    10};
  return buckets;
}

const Histogram::BucketBoundaries& event_buckets() {
  static const Histogram::BucketBoundaries buckets{1, 3, 10, 30, 100, 300, 1'000, 3'000, 10'000};
  return buckets;
}

double seconds(IngestProbe::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string word(IngestProbe::Refusal why) {
  using enum IngestProbe::Refusal;
  switch (why) {
    case kMalformed:
      return "malformed";
    case kMediaType:
      return "media_type";
    case kTooLarge:
      return "too_large";
    case kInadmissible:
      return "inadmissible";
    case kDraining:
      return "draining";
    case kQueueFull:
      return "queue_full";
    case kLogSlow:
      return "log_slow";
    case kLogFailed:
      return "log_failed";
    case kDomain:
      return "domain";
  }
  return {};
}

}  // namespace

IngestProbe::IngestProbe(prometheus::Registry& registry)
    : requests_(BuildCounter()
                    .Name("sluice_ingest_requests_total")
                    .Help("HTTP requests answered, by status")
                    .Register(registry)),
      refused_(BuildCounter()
                   .Name("sluice_ingest_refused_total")
                   .Help("Posts of events that were refused, by reason")
                   .Register(registry)),
      events_(BuildCounter()
                  .Name("sluice_ingest_events_total")
                  .Help("Events that the log acknowledged, by domain")
                  .Register(registry)),
      append_failures_(BuildCounter()
                           .Name("sluice_ingest_append_failures_total")
                           .Help("Appends that the log did not acknowledge")
                           .Register(registry)
                           .Add({})),
      post_seconds_(BuildHistogram()
                        .Name("sluice_ingest_post_duration_seconds")
                        .Help("From a whole post of events to its answer")
                        .Register(registry)
                        .Add({}, second_buckets())),
      append_seconds_(BuildHistogram()
                          .Name("sluice_ingest_append_duration_seconds")
                          .Help("How long the log takes to acknowledge an append")
                          .Register(registry)
                          .Add({}, second_buckets())),
      append_events_(BuildHistogram()
                         .Name("sluice_ingest_append_events")
                         .Help("Events in one append, of all requests that waited for it")
                         .Register(registry)
                         .Add({}, event_buckets())),
      connections_(BuildGauge()
                       .Name("sluice_ingest_connections")
                       .Help("Open connections")
                       .Register(registry)
                       .Add({})),
      memory_bytes_(
          BuildGauge()
              .Name("sluice_ingest_http_memory_bytes")
              .Help("Bytes that connections hold: requests, what is made of them, replies")
              .Register(registry)
              .Add({})),
      waiting_requests_(BuildGauge()
                            .Name("sluice_ingest_waiting_requests")
                            .Help("Posts whose events wait for the log")
                            .Register(registry)
                            .Add({})),
      waiting_bytes_(BuildGauge()
                         .Name("sluice_ingest_waiting_bytes")
                         .Help("Bytes of admitted events that wait for the log")
                         .Register(registry)
                         .Add({})) {
  // There from the start, so that a rate can be told from the first one on.
  using enum Refusal;
  for (const auto why : {kMalformed, kMediaType, kTooLarge, kInadmissible, kDraining, kQueueFull,
                         kLogSlow, kLogFailed, kDomain}) {
    refused_.Add({{"reason", word(why)}});
  }
}

void IngestProbe::answered(int status) {
  requests_.Add({{"status", std::to_string(status)}}).Increment();
}

void IngestProbe::posted(Duration took) { post_seconds_.Observe(seconds(took)); }

void IngestProbe::refused(Refusal why) { refused_.Add({{"reason", word(why)}}).Increment(); }

void IngestProbe::acknowledged(std::string_view domain, std::size_t events) {
  events_.Add({{"domain", std::string(domain)}}).Increment(static_cast<double>(events));
}

void IngestProbe::appended(Duration took, std::size_t events) {
  append_seconds_.Observe(seconds(took));
  append_events_.Observe(static_cast<double>(events));
}

void IngestProbe::append_failed() { append_failures_.Increment(); }

void IngestProbe::state(const State& state) {
  connections_.Set(static_cast<double>(state.connections));
  memory_bytes_.Set(static_cast<double>(state.memory_bytes));
  waiting_requests_.Set(static_cast<double>(state.waiting_requests));
  waiting_bytes_.Set(static_cast<double>(state.waiting_bytes));
}

}  // namespace sluice

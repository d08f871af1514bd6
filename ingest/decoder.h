#pragma once

// What was posted, as records for the log. Knows CloudEvents and descriptors, and no domain.

#include <string>
#include <string_view>
#include <variant>

#include "ingest/batch_builder.h"
#include "ingest/json_events.h"
#include "ingest/request_headers.h"

namespace sluice {

// Why nothing of a request is admitted.
struct Refusal {
  int status;
  std::string detail;
  Faults faults;  // with 422
};

// One a thread; reuses its buffers.
class Decoder {
 public:
  Decoder(DecoderLimits limits, StampClock& clock)
      : batch_(limits, clock), json_(batch_, limits.json_depth) {}
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // The body is moved from: it is padded in place.
  std::variant<AdmittedBatch, Refusal> decode(const DomainCodec& domain,
                                              const RequestHeaders& headers, std::string body);

  // Gives back what a large event has made its buffers.
  void shrink() {
    json_.shrink();
    batch_.shrink();
  }

 private:
  void read(const RequestHeaders& headers, std::string& body);

  BatchBuilder batch_;
  JsonEvents json_;
};

}  // namespace sluice

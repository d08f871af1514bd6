#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "ingest/admitted_batch.h"
#include "ingest/domain_codec.h"
#include "ingest/fault.h"
#include "ingest/stamp_clock.h"
#include "sluice/envelope.pb.h"

namespace sluice {

struct DecoderLimits {
  std::size_t batch_events = 10'000;
  std::size_t event_bytes = 512 * 1024;
  std::size_t json_depth = 64;
};

// Leaves the middle of decoding for a refusal of the whole request.
struct RefusedRequest {
  int status;
  std::string detail;
};

// One request's events on their way into a batch, in whatever form they came: for each, begin(),
// then its envelope and its fact are filled, then admit(). One a thread; reuses its messages.
class BatchBuilder {
 public:
  BatchBuilder(DecoderLimits limits, StampClock& clock);

  // `body_bytes`: about how much the events will take.
  void reset(const DomainCodec& domain, std::size_t body_bytes);
  [[nodiscard]] const DomainCodec& domain() const { return *domain_; }

  // Of the text or the bytes of one event, wherever they stand. Throws RefusedRequest.
  void check_size(std::size_t bytes) const;
  // Throws RefusedRequest when there are too many.
  void begin();
  // Of the event begun last.
  [[nodiscard]] Envelope& envelope() { return envelope_; }
  // Empty, and valid until it is asked for again.
  [[nodiscard]] google::protobuf::Message& empty_fact(const DomainCodec::Fact& fact);
  // Writes defaults into the fact and adds what is wrong with it to the faults.
  void check(const DomainCodec::Fact& fact, google::protobuf::Message& message);
  // Adds the event to the batch unless it has faults.
  void admit(const DomainCodec::Fact& fact, const google::protobuf::Message& message);

  [[nodiscard]] std::size_t index() const { return begun_ - 1; }
  [[nodiscard]] Faults& faults() { return faults_; }
  // Whether the event begun last has any.
  [[nodiscard]] bool faulty() const { return faults_.count() > faults_before_; }
  [[nodiscard]] AdmittedBatch take() { return std::move(batch_); }
  // Drops the batch that was not taken, and messages that a large event made large.
  void shrink();

 private:
  void write_payload(const DomainCodec::Fact& fact, const google::protobuf::Message& message);
  std::string make_id();

  const DecoderLimits limits_;
  StampClock& clock_;
  std::mt19937_64 random_;
  using Facts = std::vector<std::unique_ptr<google::protobuf::Message>>;  // by the fact's index
  std::unordered_map<const DomainCodec*, Facts> facts_;
  Envelope envelope_;
  // Of the request at hand.
  const DomainCodec* domain_ = nullptr;
  Facts* domain_facts_ = nullptr;
  std::size_t begun_ = 0;
  std::size_t faults_before_ = 0;
  Faults faults_;
  AdmittedBatch batch_;
};

}  // namespace sluice

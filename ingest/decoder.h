#pragma once

// What was posted, as records for the log. Knows CloudEvents and descriptors, and no domain.

#include <google/protobuf/message.h>
#include <simdjson.h>

#include <cstddef>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "ingest/attributes.h"
#include "ingest/fault.h"
#include "ingest/stamp_clock.h"
#include "schemas/sluice/domain.h"
#include "sluice/envelope.pb.h"
#include "storage/position.h"

namespace sluice {

// The events of one request, admitted: each has its partition, its key and its envelope's bytes.
struct AdmittedBatch {
  struct Item {
    Partition partition;
    std::size_t begin;  // in `bytes`: the key, then the envelope
    std::size_t key_size;
    std::size_t value_size;
  };
  std::string domain;
  std::vector<Item> items;
  std::string bytes;
  std::vector<std::string> ids;  // of the events, in their order
};

// Why nothing of a request is admitted.
struct Refusal {
  int status;
  std::string detail;
  Faults faults;  // with 422
};

struct DecoderLimits {
  std::size_t batch_events = 10'000;
  std::size_t event_bytes = 512 * 1024;
  std::size_t json_depth = 64;
};

// A domain as the decoder needs it.
class DomainCodec {
 public:
  DomainCodec(const Domain& domain, int partitions);

  struct Fact {
    const google::protobuf::FieldDescriptor* field;  // of the event's oneof
    const google::protobuf::FieldDescriptor* key;    // of the fact
  };
  // Null: no such fact.
  [[nodiscard]] const Fact* find(std::string_view type) const;
  [[nodiscard]] const std::string& types() const { return types_; }

  const Domain& domain;
  const int partitions;

 private:
  std::map<std::string, Fact, std::less<>> facts_;  // by type
  std::string types_;                               // "opinion.created, vote.set"
};

// Header fields of a request that decoding asks for.
struct RequestHeaders {
  std::string_view content_type;
  std::vector<std::pair<std::string_view, std::string_view>>
      ce;  // names in lower case, without "ce-"
};

// One a thread; reuses its buffers.
class Decoder {
 public:
  Decoder(std::span<const DomainCodec> domains, DecoderLimits limits, StampClock& clock);

  // The body is moved from: it is padded in place. `domain` is one of the codecs'.
  std::variant<AdmittedBatch, Refusal> decode(const DomainCodec& domain,
                                              const RequestHeaders& headers, std::string body);

 private:
  void read_json(const std::string& media, std::string& body);
  void read_structured(simdjson::dom::element event);
  void read_binary(const RequestHeaders& headers, std::string& body);
  void read_protobuf(const std::string& body);
  void read_lines(std::string_view body);
  simdjson::dom::element parse(std::string_view padded);
  void begin_event();
  void read_fact(const simdjson::dom::element* data);
  [[nodiscard]] std::string key_value(const DomainCodec::Fact& fact) const;
  void admit(const DomainCodec::Fact& fact);
  std::string make_id();

  // Of the request at hand.
  std::unordered_map<const DomainCodec*, std::unique_ptr<google::protobuf::Message>> events_;
  const DecoderLimits limits_;
  StampClock& clock_;
  simdjson::dom::parser parser_;
  std::mt19937_64 random_;
  Attributes attributes_;
  Envelope envelope_;
  const DomainCodec* domain_ = nullptr;
  google::protobuf::Message* event_ = nullptr;
  std::size_t index_ = 0;
  Faults faults_;
  AdmittedBatch batch_;
};

}  // namespace sluice

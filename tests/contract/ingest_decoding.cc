#include "tests/contract/ingest_decoding.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "schemas/descriptors/domain.h"

namespace sluice::testing {
namespace {

const std::vector<DomainCodec>& codecs() {
  static const std::vector<DomainCodec> all = [] {
    std::vector<DomainCodec> made;
    for (const Domain& domain : domains()) made.emplace_back(domain, 4);
    return made;
  }();
  return all;
}
const DomainCodec& deliberation_codec() {
  for (const DomainCodec& codec : codecs()) {
    if (codec.domain.name == "deliberation") return codec;
  }
  throw std::logic_error("deliberation is built in");
}

StampClock& clock() {
  static StampClock fixed([] { return Time{std::chrono::milliseconds{1'700'000'000'123}}; });
  return fixed;
}

}  // namespace

Decoded decode(const std::vector<Header>& fields, std::string body) {
  Decoder decoder({.batch_events = 3, .event_bytes = 2000}, clock());
  RequestHeaders headers;
  for (const auto& [name, value] : fields) {
    if (name == "content-type") headers.content_type = value;
    if (name.starts_with("ce-")) headers.ce.emplace_back(std::string_view(name).substr(3), value);
  }
  return decoder.decode(deliberation_codec(), headers, std::move(body));
}
Decoded structured(const std::string& body) {
  return decode({{"content-type", "application/cloudevents+json"}}, body);
}

std::string vote(const std::string& members, const std::string& data) {
  return R"({"specversion":"1.0","type":"vote.set","source":"/t",)" + members + R"("data":)" +
         data + "}";
}

std::string_view value_of(const AdmittedBatch& batch, std::size_t index) {
  const AdmittedBatch::Item& item = batch.items.at(index);
  return std::string_view(batch.bytes).substr(item.begin + item.key_size, item.value_size);
}

Envelope envelope_of(const Decoded& decoded, std::size_t index) {
  if (const auto* refusal = std::get_if<Refusal>(&decoded)) {
    const auto& faults = refusal->faults.kept();
    FAIL(refusal->status << " " << refusal->detail << " "
                         << (faults.empty() ? "" : faults[0].field + " " + faults[0].reason));
  }
  const auto& batch = std::get<AdmittedBatch>(decoded);
  Envelope envelope;
  REQUIRE(envelope.ParseFromString(std::string(value_of(batch, index))));
  const AdmittedBatch::Item& item = batch.items.at(index);
  CHECK(envelope.key() == batch.bytes.substr(item.begin, item.key_size));
  return envelope;
}

std::string faults_of(const Decoded& decoded) {
  const auto* refusal = std::get_if<Refusal>(&decoded);
  if (refusal == nullptr) return "admitted";
  if (refusal->status != 422) return std::to_string(refusal->status);
  std::string all;
  for (const EventFault& fault : refusal->faults.kept()) {
    all += (all.empty() ? "" : "; ") + std::to_string(fault.index) + " " + fault.field;
  }
  return all;
}

}  // namespace sluice::testing

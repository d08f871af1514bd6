#include "ingest/decoder.h"

#include <algorithm>

#include "ingest/media_type.h"
#include "ingest/protobuf_events.h"

namespace sluice {
namespace {

constexpr std::string_view kStructured = "application/cloudevents+json";
constexpr std::string_view kBatched = "application/cloudevents-batch+json";
constexpr std::string_view kLines = "application/x-ndjson";
constexpr std::string_view kProtobuf = "application/x-protobuf";

// What the body of binary mode may be; datacontenttype is a wider matter.
bool is_data(const MediaType& media) {
  return media.name.empty() || (names_json(media) && media.name != "text/json");
}

}  // namespace

std::variant<AdmittedBatch, Refusal> Decoder::decode(const DomainCodec& domain,
                                                     const RequestHeaders& headers,
                                                     std::string body) {
  batch_.reset(domain, body.size());
  try {
    read(headers, body);
  } catch (const RefusedRequest& refused) {
    return Refusal{refused.status, refused.detail, {}};
  }
  Faults& faults = batch_.faults();
  if (!faults.empty()) {
    return Refusal{422, "nothing was appended: some events are not admissible", std::move(faults)};
  }
  return batch_.take();
}

void Decoder::read(const RequestHeaders& headers, std::string& body) {
  const MediaType media = parse_media_type(headers.content_type);
  if (!media.is_utf8) throw RefusedRequest{415, "the charset must be utf-8"};
  if (media.name == kStructured) return json_.read_structured(body);
  if (media.name == kBatched) return json_.read_batch(body);
  if (media.name == kLines) return json_.read_lines(body);
  if (media.name == kProtobuf) return read_protobuf(body, batch_);
  const bool binary = std::any_of(headers.ce.begin(), headers.ce.end(),
                                  [](const auto& field) { return field.first == "specversion"; });
  if (binary && is_data(media)) return json_.read_binary(headers, body);
  throw RefusedRequest{415, "post " + std::string(kStructured) + ", " + std::string(kBatched) +
                                ", " + std::string(kLines) + ", " + std::string(kProtobuf) +
                                ", or application/json with ce- headers"};
}

}  // namespace sluice

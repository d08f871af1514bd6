#include "ingest/protobuf_events.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/unknown_field_set.h>

#include <limits>
#include <optional>
#include <vector>

#include "schemas/descriptors/rules.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::io::CodedInputStream;

constexpr int kLengthDelimited = 2;

// A field that is bytes or a message: its number and its content.
struct Field {
  int number;
  std::string_view content;
};

// Takes a field off the front; nullopt: there is none, or it is of another kind.
std::optional<Field> take_field(std::string_view& bytes) {
  if (bytes.size() > std::numeric_limits<int>::max()) return std::nullopt;
  CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                          static_cast<int>(bytes.size()));
  const std::uint32_t tag = stream.ReadTag();
  std::uint32_t size = 0;
  if ((tag & 7) != kLengthDelimited || !stream.ReadVarint32(&size)) return std::nullopt;
  const auto begin = static_cast<std::size_t>(stream.CurrentPosition());
  if (size > bytes.size() - begin) return std::nullopt;
  const Field field{static_cast<int>(tag >> 3), bytes.substr(begin, size)};
  bytes.remove_prefix(begin + size);
  return field;
}

bool parse(std::string_view bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

bool has_unknown_fields(const Message& message) {
  const auto& reflection = *message.GetReflection();
  if (!reflection.GetUnknownFields(message).empty()) return true;
  const auto& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const bool repeated = field->is_repeated();
    const int count =
        repeated ? reflection.FieldSize(message, field) : int{reflection.HasField(message, field)};
    for (int j = 0; j < count; ++j) {
      const Message& nested = repeated ? reflection.GetRepeatedMessage(message, field, j)
                                       : reflection.GetMessage(message, field);
      if (has_unknown_fields(nested)) return true;
    }
  }
  return false;
}

void check_envelope(const Envelope& envelope, const DomainCodec& domain, Faults& faults) {
  if (has_unknown_fields(envelope)) faults.add("", "has fields that an Envelope does not have");
  if (!envelope.id().empty() && !is_event_id(envelope.id())) {
    faults.add("id", "must be 1 to 200 printable characters");
  }
  if (envelope.source().empty() || !is_printable(envelope.source())) {
    faults.add("source", "must be printable characters, one or more");
  }
  const Actor& actor = envelope.actor();
  if (!actor.id().empty() && !is_id(actor.id())) {
    faults.add("actor.id", "must be 1 to 64 of A-Z a-z 0-9 . _ ~ -");
  }
  if (!Actor::Level_IsValid(actor.level())) faults.add("actor.level", "is no Level");
  if (!Actor::Role_IsValid(actor.role())) faults.add("actor.role", "is no Role");
  if (!is_storable(envelope.occurred_at())) {
    faults.add("occurred_at", "must be in the years 1 to 9999");
  }
  if (!envelope.domain().empty() && envelope.domain() != domain.domain.name) {
    faults.add("domain", "must be " + std::string(domain.domain.name) + " or empty");
  }
  if (envelope.has_origin()) faults.add("origin", "is the engine's own");
  if (envelope.has_control()) faults.add("control", "is the engine's own");
}

// A payload is a domain's Event: one field, which is the fact. `named` is what the type says, or
// null.
void read_payload(const DomainCodec::Fact* named, BatchBuilder& batch) {
  Faults& faults = batch.faults();
  const Envelope& envelope = batch.envelope();
  std::string_view payload = envelope.payload();
  const auto field = take_field(payload);
  const DomainCodec::Fact* fact = field ? batch.domain().find(field->number) : nullptr;
  Message* message = fact == nullptr ? nullptr : &batch.empty_fact(*fact);
  if (!field || message == nullptr || !parse(field->content, *message)) {
    return faults.add("data", "is no Event of " + std::string(batch.domain().domain.name));
  }
  if (named != nullptr && named != fact) {
    faults.add("type", "names another fact than the payload's");
  }
  if (!payload.empty() || has_unknown_fields(*message)) {
    faults.add("data", "has fields that this fact does not have");
  }
  batch.check(*fact, *message);
  std::string scratch;
  const std::string& key =
      message->GetReflection()->GetStringReference(*message, fact->key, &scratch);
  if (!envelope.key().empty() && envelope.key() != key) {
    faults.add("key", "differs from the fact's key field");
  }
  batch.admit(*fact, *message);
}

}  // namespace

void read_protobuf(std::string_view body, BatchBuilder& batch) {
  while (!body.empty()) {
    const auto event = take_field(body);
    if (!event || event->number != EnvelopeBatch::kEventsFieldNumber) {
      throw RefusedRequest{400, "not a sluice.EnvelopeBatch"};
    }
    batch.check_size(event->content.size());
    batch.begin();
    if (!parse(event->content, batch.envelope())) {
      throw RefusedRequest{400,
                           "event " + std::to_string(batch.index()) + " is no sluice.Envelope"};
    }
    check_envelope(batch.envelope(), batch.domain(), batch.faults());
    const DomainCodec::Fact* fact = batch.domain().find(batch.envelope().type());
    if (fact == nullptr) batch.faults().add("type", "must be one of " + batch.domain().types());
    if (!batch.envelope().has_control()) read_payload(fact, batch);
  }
}

}  // namespace sluice

#include "tools/sluice/records/described_record.h"

#include "schemas/descriptors/rules.h"
#include "schemas/descriptors/words.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/client/rfc3339.h"
#include "tools/sluice/records/event_json.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Ingest requires a source; a producer that writes to Kafka itself may leave it out.
constexpr std::string_view kNoSource = "unknown";

const FieldDescriptor* fact_of(const Message& event) {
  return event.GetReflection()->GetOneofFieldDescriptor(event,
                                                        event.GetDescriptor()->oneof_decl(0));
}

std::string fault_of_attributes(const Envelope& envelope) {
  if (!envelope.id().empty() && !is_event_id(envelope.id())) {
    return "id: must be 1 to 200 printable characters";
  }
  if (!is_printable(envelope.source())) return "source: must be printable characters";
  if (!envelope.actor().id().empty() && !is_id(envelope.actor().id())) {
    return "actor: must be 1 to 64 of A-Z a-z 0-9 . _ ~ -";
  }
  if (!is_storable(envelope.occurred_at())) return "occurred_at: out of range";
  return {};
}

void write_attributes(JsonWriter& json, const Envelope& envelope, std::string_view type) {
  json.field("specversion", "1.0");
  if (!envelope.id().empty()) json.field("id", envelope.id());
  json.field("source", envelope.source().empty() ? kNoSource : envelope.source());
  json.field("type", type);
  if (envelope.has_occurred_at()) json.field("time", rfc3339(envelope.occurred_at()));
  if (!envelope.has_actor()) return;
  const Actor& actor = envelope.actor();
  if (!actor.id().empty()) json.field("actor", actor.id());
  const auto* level = Actor::Level_descriptor()->FindValueByNumber(actor.level());
  const auto* role = Actor::Role_descriptor()->FindValueByNumber(actor.role());
  if (level != nullptr) json.field("actorlevel", word_of(*level));
  if (role != nullptr) json.field("actorrole", word_of(*role));
}

void write_place(JsonWriter& json, const LogRecord& record) {
  json.name("partition").number(record.partition.value);
  json.name("offset").number(record.offset.value);
}

void write_extensions(JsonWriter& json, const Envelope& envelope, const LogRecord& record) {
  write_place(json, record);
  const std::int64_t at = envelope.has_recorded_at()
                              ? envelope.recorded_at()
                              : record.appended_at.time_since_epoch().count();
  if (is_storable(at)) json.field("stampedat", rfc3339(at));
  if (!envelope.has_origin()) return;
  const Origin& origin = envelope.origin();
  json.field("origin", origin.projection() + ":" + std::to_string(origin.partition()) + "@" +
                           std::to_string(origin.position()) + "/" +
                           std::to_string(origin.ordinal()));
}

void write_release(JsonWriter& json, const Control::Release& release) {
  json.name("release").begin_object();
  if (!release.value().empty()) {
    json.name("offset").number(release.offset());
    json.field("value", base64(release.value()));
  }
  if (release.continues()) json.field("continues", true);
  json.end_object();
}

void write_control(JsonWriter& json, const Envelope& envelope) {
  const Control& control = envelope.control();
  write_key(json, envelope.key());
  if (is_storable(envelope.recorded_at())) json.field("stampedat", rfc3339(envelope.recorded_at()));
  json.name("control").begin_object();
  if (control.has_tick()) json.name("tick").flag(true);
  if (control.has_discard()) json.name("discard").number(control.discard().offset());
  if (control.has_repair()) json.name("repair").flag(true);
  if (control.has_release()) write_release(json, control.release());
  if (control.has_edit()) {
    json.name("edit").begin_object().field("offset", control.edit().offset());
    json.field("value", base64(control.edit().value())).end_object();
  }
  if (!control.who().empty()) json.field("who", control.who());
  if (!control.why().empty()) json.field("why", control.why());
  json.end_object();
}

}  // namespace

RecordDescriber::RecordDescriber(const Domain& domain)
    : domain_(domain.name),
      event_(google::protobuf::MessageFactory::generated_factory()
                 ->GetPrototype(domain.event)
                 ->New()) {}

std::string RecordDescriber::fault_of(const LogRecord& record) {
  const int size = static_cast<int>(record.value.size());
  if (!envelope_.ParseFromArray(record.value.data(), size)) return "not an Envelope";
  if (envelope_.has_control()) return {};
  if (!event_->ParseFromString(envelope_.payload()) || fact_of(*event_) == nullptr) {
    return "payload: not an Event of " + domain_;
  }
  const std::vector<Fault> faults = check_rules(*event_);
  if (!faults.empty()) return faults.front().field + ": " + faults.front().reason;
  return fault_of_attributes(envelope_);
}

DescribedRecord RecordDescriber::describe(const LogRecord& record) {
  const std::string fault = fault_of(record);
  JsonWriter json;
  json.begin_object();
  if (!fault.empty()) {
    write_place(json, record);
    write_key(json, record.key);
    json.field("fault", fault).field("value", base64(record.value));
    json.end_object();
    return {DescribedRecord::Kind::unreadable, json.take()};
  }
  if (envelope_.has_control()) {
    write_place(json, record);
    write_control(json, envelope_);
    json.end_object();
    return {DescribedRecord::Kind::control, json.take()};
  }
  const FieldDescriptor& field = *fact_of(*event_);
  const Message& fact = event_->GetReflection()->GetMessage(*event_, &field);
  write_attributes(json, envelope_, type_of(field));
  json.field("subject", FactRules::of(*fact.GetDescriptor()).key(fact));
  write_extensions(json, envelope_, record);
  json.name("data");
  write_fact(json, fact);
  json.end_object();
  return {DescribedRecord::Kind::event, json.take()};
}

}  // namespace sluice

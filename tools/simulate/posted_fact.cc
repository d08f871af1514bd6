#include "tools/simulate/posted_fact.h"

#include <google/protobuf/descriptor.h>

#include <vector>

#include "schemas/descriptors/words.h"
#include "storage/base/check.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/client/rfc3339.h"

namespace sluice::simulate {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void write_time(JsonWriter& json, const Message& timestamp) {
  constexpr std::int64_t kMillisecondsASecond = 1000;
  constexpr std::int32_t kNanosAMillisecond = 1'000'000;
  const auto& reflection = *timestamp.GetReflection();
  const auto& type = *timestamp.GetDescriptor();
  const std::int64_t seconds = reflection.GetInt64(timestamp, type.FindFieldByNumber(1));
  const std::int32_t nanos = reflection.GetInt32(timestamp, type.FindFieldByNumber(2));
  json.text(rfc3339(seconds * kMillisecondsASecond + nanos / kNanosAMillisecond));
}

void write_object(JsonWriter& json, const Message& message);

void write_value(JsonWriter& json, const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  std::string scratch;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      json.text(reflection.GetStringReference(message, &field, &scratch));
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      json.flag(reflection.GetBool(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      json.text(word_of(*reflection.GetEnum(message, &field)));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      json.number(reflection.GetInt64(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      json.real(reflection.GetDouble(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (field.message_type()->full_name() == "google.protobuf.Timestamp") {
        return write_time(json, reflection.GetMessage(message, &field));
      }
      return write_object(json, reflection.GetMessage(message, &field));
    default:
      CHECK(false, "simulated facts have texts, flags, words, times and numbers");
  }
}

void write_object(JsonWriter& json, const Message& message) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  json.begin_object();
  for (const FieldDescriptor* field : fields) {
    json.name(field->name());
    if (!field->is_repeated()) {
      write_value(json, message, *field);
      continue;
    }
    json.begin_array();
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      write_object(json, reflection.GetRepeatedMessage(message, field, i));
    }
    json.end_array();
  }
  json.end_object();
}

const FieldDescriptor& fact_of(const Message& event) {
  const FieldDescriptor* fact =
      event.GetReflection()->GetOneofFieldDescriptor(event, event.GetDescriptor()->oneof_decl(0));
  CHECK(fact != nullptr, "a posted event has a fact");
  return *fact;
}

}  // namespace

std::string fact_type(const Message& event) { return type_of(fact_of(event)); }

std::string cloud_event(std::string_view id, const Actor& actor, const Message& event) {
  const FieldDescriptor& fact = fact_of(event);
  JsonWriter json;
  json.begin_object().field("specversion", "1.0").field("id", id).field("source", "/simulate");
  json.field("type", type_of(fact));
  if (!actor.id().empty()) json.field("actor", actor.id());
  json.field("actorlevel", word_of(*Actor::Level_descriptor()->FindValueByNumber(actor.level())));
  json.field("actorrole", word_of(*Actor::Role_descriptor()->FindValueByNumber(actor.role())));
  write_object(json.name("data"), event.GetReflection()->GetMessage(event, &fact));
  return json.end_object().take();
}

}  // namespace sluice::simulate

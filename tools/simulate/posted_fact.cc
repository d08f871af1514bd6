#include "tools/simulate/posted_fact.h"

#include <google/protobuf/descriptor.h>

#include <array>
#include <charconv>
#include <vector>

#include "schemas/descriptors/words.h"
#include "storage/base/check.h"
#include "tools/sluice/client/rfc3339.h"

namespace sluice::simulate {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void append_text(std::string& out, std::string_view text) {
  constexpr const char* kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (byte < 0x20) {
      ((out += "\\u00") += kHex[byte >> 4]) += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_member(std::string& out, std::string_view name) {
  if (out.back() != '{') out += ',';
  append_text(out, name);
  out += ':';
}

// In as few digits as tell it from every other.
void append_real(std::string& out, double number) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.begin(), text.end(), number);
  CHECK(error == std::errc(), "a double has no more digits");
  out.append(text.begin(), end);
}

void append_time(std::string& out, const Message& timestamp) {
  constexpr std::int64_t kMillisecondsASecond = 1000;
  constexpr std::int32_t kNanosAMillisecond = 1'000'000;
  const auto& reflection = *timestamp.GetReflection();
  const auto& type = *timestamp.GetDescriptor();
  const std::int64_t seconds = reflection.GetInt64(timestamp, type.FindFieldByNumber(1));
  const std::int32_t nanos = reflection.GetInt32(timestamp, type.FindFieldByNumber(2));
  append_text(out, rfc3339(seconds * kMillisecondsASecond + nanos / kNanosAMillisecond));
}

void append_object(std::string& out, const Message& message);

void append_value(std::string& out, const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return append_text(out, reflection.GetString(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      out += reflection.GetBool(message, &field) ? "true" : "false";
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      return append_text(out, word_of(*reflection.GetEnum(message, &field)));
    case FieldDescriptor::CPPTYPE_INT64:
      out += std::to_string(reflection.GetInt64(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return append_real(out, reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (field.message_type()->full_name() == "google.protobuf.Timestamp") {
        return append_time(out, reflection.GetMessage(message, &field));
      }
      return append_object(out, reflection.GetMessage(message, &field));
    default:
      CHECK(false, "simulated facts have texts, flags, words, times and numbers");
  }
}

void append_object(std::string& out, const Message& message) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  out += '{';
  for (const FieldDescriptor* field : fields) {
    append_member(out, field->name());
    if (!field->is_repeated()) {
      append_value(out, message, *field);
      continue;
    }
    out += '[';
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      if (i > 0) out += ',';
      append_object(out, reflection.GetRepeatedMessage(message, field, i));
    }
    out += ']';
  }
  out += '}';
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
  std::string out = R"({"specversion":"1.0")";
  append_member(out, "id");
  append_text(out, id);
  out += R"(,"source":"/simulate")";
  append_member(out, "type");
  append_text(out, type_of(fact));
  if (!actor.id().empty()) {
    append_member(out, "actor");
    append_text(out, actor.id());
  }
  append_member(out, "actorlevel");
  append_text(out, word_of(*Actor::Level_descriptor()->FindValueByNumber(actor.level())));
  append_member(out, "actorrole");
  append_text(out, word_of(*Actor::Role_descriptor()->FindValueByNumber(actor.role())));
  append_member(out, "data");
  append_object(out, event.GetReflection()->GetMessage(event, &fact));
  out += '}';
  return out;
}

}  // namespace sluice::simulate

#include "tools/sluice/records/event_json.h"

#include <simdjson.h>

#include <algorithm>
#include <vector>

#include "schemas/descriptors/words.h"
#include "tools/sluice/client/rfc3339.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::string_view kTimestamp = "google.protobuf.Timestamp";

std::string time_of(const Message& timestamp) {
  const Reflection& fields = *timestamp.GetReflection();
  const auto& type = *timestamp.GetDescriptor();
  constexpr std::int64_t kMillisecondsASecond = 1000;
  constexpr std::int64_t kNanosAMillisecond = 1'000'000;
  return rfc3339(fields.GetInt64(timestamp, type.FindFieldByNumber(1)) * kMillisecondsASecond +
                 fields.GetInt32(timestamp, type.FindFieldByNumber(2)) / kNanosAMillisecond);
}

// One value of a field: the one that it has, or of a list the one at `index`.
class Value {
  // Above its uses, which its type is told from.
  template <class Single, class Repeated>
  auto get(Single single, Repeated repeated) const {
    return field_.is_repeated() ? (reflection_.*repeated)(of_, &field_, index_)
                                : (reflection_.*single)(of_, &field_);
  }

 public:
  Value(const Message& of, const FieldDescriptor& field, int index)
      : of_(of), reflection_(*of.GetReflection()), field_(field), index_(index) {}

  void write(JsonWriter& json) const {
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return write_text(json);
      case FieldDescriptor::CPPTYPE_BOOL:
        json.flag(get(&Reflection::GetBool, &Reflection::GetRepeatedBool));
        return;
      case FieldDescriptor::CPPTYPE_ENUM:
        json.text(word_of(*get(&Reflection::GetEnum, &Reflection::GetRepeatedEnum)));
        return;
      case FieldDescriptor::CPPTYPE_INT64:
        json.number(get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64));
        return;
      case FieldDescriptor::CPPTYPE_INT32:
        json.number(get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
        return;
      case FieldDescriptor::CPPTYPE_UINT64:
        json.number(get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64));
        return;
      case FieldDescriptor::CPPTYPE_UINT32:
        json.number(get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32));
        return;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        json.real(get(&Reflection::GetDouble, &Reflection::GetRepeatedDouble));
        return;
      case FieldDescriptor::CPPTYPE_FLOAT:
        json.real(static_cast<double>(get(&Reflection::GetFloat, &Reflection::GetRepeatedFloat)));
        return;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return write_message(json);
    }
  }

 private:
  void write_text(JsonWriter& json) const {
    const std::string text = get(&Reflection::GetString, &Reflection::GetRepeatedString);
    json.text(field_.type() == FieldDescriptor::TYPE_BYTES ? base64(text) : text);
  }

  void write_message(JsonWriter& json) const {
    const Message& message = field_.is_repeated()
                                 ? reflection_.GetRepeatedMessage(of_, &field_, index_)
                                 : reflection_.GetMessage(of_, &field_);
    if (field_.message_type()->full_name() == kTimestamp) {
      json.text(time_of(message));
    } else {
      write_fact(json, message);
    }
  }

  const Message& of_;
  const Reflection& reflection_;
  const FieldDescriptor& field_;
  const int index_;
};

}  // namespace

void write_fact(JsonWriter& json, const Message& fact) {
  std::vector<const FieldDescriptor*> fields;
  fact.GetReflection()->ListFields(fact, &fields);
  json.begin_object();
  for (const FieldDescriptor* field : fields) {
    json.name(field->name());
    if (!field->is_repeated()) {
      Value(fact, *field, 0).write(json);
      continue;
    }
    json.begin_array();
    for (int i = 0; i < fact.GetReflection()->FieldSize(fact, field); ++i) {
      Value(fact, *field, i).write(json);
    }
    json.end_array();
  }
  json.end_object();
}

void write_key(JsonWriter& json, std::string_view key) {
  const bool is_text = simdjson::validate_utf8(key.data(), key.size());
  json.field(is_text ? "key" : "key_base64", is_text ? std::string(key) : base64(key));
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i > bytes.size() ? '=' : kDigits[bits >> (18 - 6 * i) & 0x3f];
    }
  }
  return text;
}

}  // namespace sluice

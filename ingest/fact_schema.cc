#include "ingest/fact_schema.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "schemas/descriptors/words.h"
#include "sluice/envelope.pb.h"
#include "sluice/rule.pb.h"

namespace sluice {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

constexpr std::string_view kId = "^[A-Za-z0-9._~-]{1,64}$";
constexpr std::string_view kIdOrEmpty = "^[A-Za-z0-9._~-]{0,64}$";
constexpr std::string_view kText = R"(^[^\u0000]*$)";
constexpr std::string_view kPrintable = R"(^[^\u0000-\u001f\u007f-\u009f]*$)";
constexpr std::string_view kJsonType = R"(^(application|text)/json$|^[^\s;,/]+/[^\s;,/]+\+json$)";

// A whole number is written without a fraction and without an exponent.
void write_number(JsonWriter& json, double number) {
  constexpr double kExact = 9007199254740992.0;
  if (number == std::floor(number) && std::abs(number) < kExact) {
    json.number(static_cast<std::int64_t>(number));
  } else {
    json.real(number);
  }
}

void write_bounds(JsonWriter& json, const Rule& rule, std::string_view least,
                  std::string_view most) {
  if (rule.has_min()) write_number(json.name(least), rule.min());
  if (rule.has_max()) write_number(json.name(most), rule.max());
}

// Null is absent, so a field that may be absent may be null.
void write_type(JsonWriter& json, std::string_view type, bool or_null) {
  if (!or_null) {
    json.field("type", type);
    return;
  }
  json.name("type").begin_array().text(type).text("null").end_array();
}

void write_words(JsonWriter& json, const EnumDescriptor& type, bool or_null) {
  write_type(json, "string", or_null);
  json.name("enum").begin_array();
  for (int i = 0; i < type.value_count(); ++i) json.text(word_of(*type.value(i)));
  if (or_null) json.null();
  json.end_array();
}

void write_text(JsonWriter& json, const FieldDescriptor& field, const Rule& rule, bool or_null) {
  write_type(json, "string", or_null);
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    json.field("contentEncoding", "base64");
    return;
  }
  if (rule.id()) {
    json.field("pattern", kId);
  } else {
    json.field("pattern", rule.id_or_empty() ? kIdOrEmpty : kText);
  }
  write_bounds(json, rule, "minLength", "maxLength");
}

// Proto JSON takes a number's digits as a text, too.
void write_numeric(JsonWriter& json, std::string_view type, std::string_view digits, bool or_null) {
  json.name("type").begin_array().text(type).text("string");
  if (or_null) json.text("null");
  json.end_array().field("pattern", digits);
}

// Where the rule has no bounds, the type has.
template <class Integer>
void write_integer(JsonWriter& json, const Rule& rule, bool or_null) {
  using Limits = std::numeric_limits<Integer>;
  const bool negative = rule.has_min() ? rule.min() < 0 : std::is_signed_v<Integer>;
  write_numeric(json, "integer", negative ? "^([0-9]{1,18}|-0*[1-9][0-9]{0,17})$" : "^[0-9]{1,18}$",
                or_null);
  write_bounds(json, rule, "minimum", "maximum");
  if (!rule.has_min()) json.name("minimum").number(Limits::min());
  if (!rule.has_max()) json.name("maximum").number(Limits::max());
}

void write_real(JsonWriter& json, const Rule& rule, bool or_null) {
  write_numeric(json, "number", R"(^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$)", or_null);
  write_bounds(json, rule, "minimum", "maximum");
}

void write_default(JsonWriter& json, const FieldDescriptor& field, const Rule& rule) {
  if (!rule.has_default_()) return;
  json.name("default");
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      json.flag(rule.default_() == "true");
      return;
    case FieldDescriptor::CPPTYPE_STRING:
    case FieldDescriptor::CPPTYPE_ENUM:
      json.text(rule.default_());
      return;
    default:
      write_number(json, std::stod(rule.default_()));
  }
}

void write_value_schema(JsonWriter& json, const FieldDescriptor& field, bool or_null) {
  const Rule& options = field.options().GetExtension(rule);
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
      field.message_type()->full_name() != "google.protobuf.Timestamp") {
    return write_message_schema(json, *field.message_type());
  }
  json.begin_object();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      write_text(json, field, options, or_null);
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      write_type(json, "boolean", or_null);
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      write_words(json, *field.enum_type(), or_null);
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      write_integer<std::int64_t>(json, options, or_null);
      break;
    case FieldDescriptor::CPPTYPE_INT32:
      write_integer<std::int32_t>(json, options, or_null);
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      write_integer<std::uint64_t>(json, options, or_null);
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      write_integer<std::uint32_t>(json, options, or_null);
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      write_real(json, options, or_null);
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      write_type(json, "string", or_null);
      json.field("format", "date-time");
      break;
  }
  write_default(json, field, options);
  if (!options.differs_from().empty()) {
    json.field("description", "Differs from " + options.differs_from() + ".");
  }
  json.end_object();
}

void write_field_schema(JsonWriter& json, const FieldDescriptor& field) {
  const Rule& options = field.options().GetExtension(rule);
  if (!field.is_repeated()) return write_value_schema(json, field, !options.required());
  json.begin_object();
  write_type(json, "array", !options.has_min());
  write_bounds(json, options, "minItems", "maxItems");
  if (!options.unique_by().empty()) {
    json.name("uniqueItems").flag(true);
    json.field("description", "No two have the same " + options.unique_by() + ".");
  }
  json.name("items");
  write_value_schema(json, field, false);
  json.end_object();
}

void write_attribute(JsonWriter& json, std::string_view name, std::string_view pattern,
                     std::int64_t longest, bool required) {
  json.name(name).begin_object();
  write_type(json, "string", !required);
  json.field("pattern", pattern);
  if (required || longest > 0) json.name("minLength").number(1);
  if (longest > 0) json.name("maxLength").number(longest);
  json.end_object();
}

void write_attributes(JsonWriter& json) {
  constexpr std::int64_t kLongestId = 200;
  constexpr std::int64_t kUnbounded = 0;
  json.name("specversion").begin_object().field("const", "1.0").end_object();
  write_attribute(json, "id", kPrintable, kLongestId, false);
  write_attribute(json, "source", kPrintable, kUnbounded, true);
  json.name("time").begin_object();
  write_type(json, "string", true);
  json.field("format", "date-time").end_object();
  write_attribute(json, "datacontenttype", kJsonType, kUnbounded, false);
  write_attribute(json, "actor", kIdOrEmpty, kUnbounded, false);
  write_words(json.name("actorlevel").begin_object(), *Actor::Level_descriptor(), true);
  json.end_object();
  write_words(json.name("actorrole").begin_object(), *Actor::Role_descriptor(), true);
  json.end_object();
}

}  // namespace

void write_message_schema(JsonWriter& json, const Descriptor& type) {
  json.begin_object().field("type", "object").name("additionalProperties").flag(false);
  json.name("properties").begin_object();
  for (int i = 0; i < type.field_count(); ++i) {
    json.name(type.field(i)->name());
    write_field_schema(json, *type.field(i));
  }
  json.end_object().name("required").begin_array();
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->options().GetExtension(rule).required()) json.text(type.field(i)->name());
  }
  json.end_array().end_object();
}

void write_event_schema(JsonWriter& json, const DomainCodec::Fact& fact) {
  json.begin_object().field("type", "object").name("required").begin_array();
  for (const std::string_view name : {"specversion", "type", "source", "data"}) json.text(name);
  json.end_array().name("properties").begin_object();
  json.name("type").begin_object().field("const", fact.type).end_object();
  write_attributes(json);
  json.name("data");
  write_message_schema(json, *fact.field->message_type());
  json.end_object().name("additionalProperties").begin_object();
  json.field("description", "An extension attribute of another name is let through unread.");
  json.name("type").begin_array();
  for (const std::string_view type : {"string", "number", "boolean", "null"}) json.text(type);
  json.end_array().field("pattern", kText).end_object().end_object();
}

}  // namespace sluice

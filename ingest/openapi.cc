#include "ingest/openapi.h"

#include "ingest/json_writer.h"
#include "schemas/sluice/words.h"
#include "sluice/rule.pb.h"

namespace sluice {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr std::string_view kIdPattern = "^[A-Za-z0-9._~-]{1,64}$";
constexpr std::string_view kIdOrEmptyPattern = "^[A-Za-z0-9._~-]{0,64}$";

class Document {
 public:
  std::string write(std::span<const DomainCodec> domains);

 private:
  void operations(const DomainCodec& domain);
  void get(std::string_view path, std::string_view summary, std::string_view type,
           bool may_be_unready);
  void response(std::string_view status, std::string_view description, std::string_view type,
                std::string_view schema);
  void event_schema(const DomainCodec& domain, const FieldDescriptor& fact);
  void message_schema(const Descriptor& type);
  void field_schema(const FieldDescriptor& field);
  void value_schema(const FieldDescriptor& field, const Rule& rule);
  void bounds(const Rule& rule, std::string_view least, std::string_view most);
  void shared_schemas();

  JsonWriter json_;
};

std::string schema_name(const DomainCodec& domain, std::string_view type) {
  return std::string(domain.domain.name) + "." + std::string(type);
}

void Document::bounds(const Rule& rule, std::string_view least, std::string_view most) {
  if (rule.has_min()) json_.name(least).real(rule.min());
  if (rule.has_max()) json_.name(most).real(rule.max());
}

void Document::value_schema(const FieldDescriptor& field, const Rule& rule) {
  json_.begin_object();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      json_.field("type", "string");
      if (field.type() == FieldDescriptor::TYPE_BYTES) json_.field("contentEncoding", "base64");
      if (rule.id()) json_.field("pattern", kIdPattern);
      if (rule.id_or_empty()) json_.field("pattern", kIdOrEmptyPattern);
      if (!field.is_repeated()) bounds(rule, "minLength", "maxLength");
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      json_.field("type", "boolean");
      break;
    case FieldDescriptor::CPPTYPE_ENUM: {
      json_.field("type", "string").name("enum").begin_array();
      for (int i = 0; i < field.enum_type()->value_count(); ++i) {
        json_.text(word_of(*field.enum_type()->value(i)));
      }
      json_.end_array();
      break;
    }
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_UINT32:
      json_.field("type", "integer");
      bounds(rule, "minimum", "maximum");
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      json_.field("type", "number");
      bounds(rule, "minimum", "maximum");
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      json_.end_object();
      return;  // field_schema() writes it
  }
  if (rule.has_default_() && !field.is_repeated()) {
    json_.name("default");
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      json_.flag(rule.default_() == "true");
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
               field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      json_.text(rule.default_());
    } else {
      json_.real(std::stod(rule.default_()));
    }
  }
  json_.end_object();
}

void Document::field_schema(const FieldDescriptor& field) {
  const Rule& options = field.options().GetExtension(rule);
  if (field.is_repeated()) {
    json_.begin_object().field("type", "array");
    bounds(options, "minItems", "maxItems");
    json_.name("items");
  }
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    value_schema(field, options);
  } else if (field.message_type()->full_name() == "google.protobuf.Timestamp") {
    json_.begin_object().field("type", "string").field("format", "date-time").end_object();
  } else {
    message_schema(*field.message_type());
  }
  if (field.is_repeated()) json_.end_object();
}

void Document::message_schema(const Descriptor& type) {
  json_.begin_object().field("type", "object").name("additionalProperties").flag(false);
  json_.name("properties").begin_object();
  for (int i = 0; i < type.field_count(); ++i) {
    json_.name(type.field(i)->name());
    field_schema(*type.field(i));
  }
  json_.end_object().name("required").begin_array();
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->options().GetExtension(rule).required()) json_.text(type.field(i)->name());
  }
  json_.end_array().end_object();
}

// One fact as a structured CloudEvent.
void Document::event_schema(const DomainCodec& domain, const FieldDescriptor& fact) {
  const std::string type = type_of(fact);
  json_.name(schema_name(domain, type)).begin_object().field("type", "object");
  json_.name("required").begin_array().text("specversion").text("type").text("source").text("data");
  json_.end_array().name("properties").begin_object();
  json_.name("specversion").begin_object().field("const", "1.0").end_object();
  json_.name("type").begin_object().field("const", type).end_object();
  const auto text = [&](std::string_view name, std::int64_t longest) {
    json_.name(name).begin_object().field("type", "string");
    json_.name("minLength").number(1).name("maxLength").number(longest).end_object();
  };
  constexpr std::int64_t kLongestId = 200;
  constexpr std::int64_t kLongestSource = 2048;
  text("id", kLongestId);
  text("source", kLongestSource);
  json_.name("time")
      .begin_object()
      .field("type", "string")
      .field("format", "date-time")
      .end_object();
  json_.name("actor")
      .begin_object()
      .field("type", "string")
      .field("pattern", kIdPattern)
      .end_object();
  json_.name("actorlevel").begin_object().name("enum").begin_array();
  json_.text("guest").text("account").text("verified").end_array().end_object();
  json_.name("actorrole").begin_object().name("enum").begin_array();
  json_.text("participant").text("moderator").text("service").end_array().end_object();
  json_.name("datacontenttype").begin_object().field("const", "application/json").end_object();
  json_.name("data");
  message_schema(*fact.message_type());
  json_.end_object().end_object();
}

void Document::response(std::string_view status, std::string_view description,
                        std::string_view type, std::string_view schema) {
  json_.name(status).begin_object().field("description", description);
  if (status == "429" || status == "503") {
    json_.name("headers").begin_object().name("Retry-After").begin_object();
    json_.name("schema").begin_object().field("type", "integer").end_object();
    json_.end_object().end_object();
  }
  json_.name("content").begin_object().name(type).begin_object().name("schema").begin_object();
  json_.field("$ref", "#/components/schemas/" + std::string(schema));
  json_.end_object().end_object().end_object().end_object();
}

void Document::operations(const DomainCodec& domain) {
  const std::string name(domain.domain.name);
  json_.name("/v1/" + name + "/events").begin_object().name("post").begin_object();
  json_.field("operationId", "post_" + name + "_events");
  json_.field("summary", "Appends events to the log of " + name +
                             ", all or none; the reply comes when the log has them");
  json_.name("requestBody").begin_object().name("required").flag(true).name("content");
  json_.begin_object();
  const std::string event = "#/components/schemas/" + name + ".event";
  json_.name("application/cloudevents+json").begin_object().name("schema").begin_object();
  json_.field("$ref", event).end_object().end_object();
  json_.name("application/cloudevents-batch+json").begin_object().name("schema").begin_object();
  json_.field("type", "array").name("items").begin_object().field("$ref", event).end_object();
  json_.end_object().end_object();
  for (const std::string_view opaque : {"application/x-ndjson", "application/x-protobuf"}) {
    json_.name(opaque).begin_object().name("schema").begin_object().field("type", "string");
    json_.end_object().end_object();
  }
  json_.end_object().end_object().name("responses").begin_object();
  response("202", "The log has every event", "application/json", "accepted");
  constexpr std::string_view kProblem = "application/problem+json";
  response("400", "Not HTTP or not JSON", kProblem, "problem");
  response("408", "The request was not whole in time", kProblem, "problem");
  response("413", "Too large a body, batch or event", kProblem, "problem");
  response("415", "A content type that is not listed here", kProblem, "problem");
  response("422", "Some events are not admissible; nothing was appended", kProblem, "problem");
  response("431", "Too large header fields", kProblem, "problem");
  response("503", "The log or a queue is full or away; with ids: some events may be in the log",
           kProblem, "problem");
  json_.end_object().end_object().end_object();
}

void Document::get(std::string_view path, std::string_view summary, std::string_view type,
                   bool may_be_unready) {
  json_.name(path).begin_object().name("get").begin_object().field("summary", summary);
  json_.name("responses").begin_object().name("200").begin_object();
  json_.field("description", "OK").name("content").begin_object().name(type).begin_object();
  json_.end_object().end_object().end_object();
  if (may_be_unready) response("503", "Not ready", "application/problem+json", "problem");
  json_.end_object().end_object().end_object();
}

void Document::shared_schemas() {
  json_.name("accepted").begin_object().field("type", "object").name("required").begin_array();
  json_.text("accepted").text("token").text("ids").end_array().name("properties").begin_object();
  json_.name("accepted").begin_object().field("type", "integer").end_object();
  json_.name("token").begin_object().field("type", "string").end_object();
  json_.name("ids").begin_object().field("type", "array").name("items").begin_object();
  json_.field("type", "string").end_object().end_object().end_object().end_object();

  json_.name("problem").begin_object().field("type", "object").name("required").begin_array();
  json_.text("title").text("status").end_array().name("properties").begin_object();
  for (const std::string_view text : {"type", "title", "detail"}) {
    json_.name(text).begin_object().field("type", "string").end_object();
  }
  for (const std::string_view number : {"status", "error_count"}) {
    json_.name(number).begin_object().field("type", "integer").end_object();
  }
  json_.name("ids").begin_object().field("type", "array").name("items").begin_object();
  json_.field("type", "string").end_object().end_object();
  json_.name("errors").begin_object().field("type", "array").name("items").begin_object();
  json_.field("type", "object").name("properties").begin_object();
  json_.name("index").begin_object().field("type", "integer").end_object();
  json_.name("field").begin_object().field("type", "string").end_object();
  json_.name("reason").begin_object().field("type", "string").end_object();
  json_.end_object().end_object().end_object().end_object().end_object();
}

std::string Document::write(std::span<const DomainCodec> domains) {
  json_.begin_object().field("openapi", "3.1.0").name("info").begin_object();
  json_.field("title", "Sluice ingest").field("version", "1").end_object();
  json_.name("paths").begin_object();
  for (const DomainCodec& domain : domains) operations(domain);
  get("/healthz", "The process is alive", "text/plain", false);
  get("/readyz", "What the process runs is able to work", "text/plain", true);
  get("/metrics", "Prometheus exposition", "text/plain", false);
  get("/openapi.json", "This document", "application/json", false);
  json_.end_object().name("components").begin_object().name("schemas").begin_object();
  shared_schemas();
  for (const DomainCodec& domain : domains) {
    const auto& facts = *domain.domain.event->oneof_decl(0);
    for (int i = 0; i < facts.field_count(); ++i) event_schema(domain, *facts.field(i));
    json_.name(std::string(domain.domain.name) + ".event").begin_object().name("oneOf");
    json_.begin_array();
    for (int i = 0; i < facts.field_count(); ++i) {
      json_.begin_object();
      json_.field("$ref", "#/components/schemas/" + schema_name(domain, type_of(*facts.field(i))));
      json_.end_object();
    }
    json_.end_array().end_object();
  }
  json_.end_object().end_object().end_object();
  return json_.take();
}

}  // namespace

std::string openapi_document(std::span<const DomainCodec> domains) {
  return Document().write(domains);
}

}  // namespace sluice

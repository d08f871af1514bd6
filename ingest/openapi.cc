#include "ingest/openapi.h"

#include <string_view>

#include "ingest/fact_schema.h"
#include "storage/base/json_writer.h"

namespace sluice {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProblem = "application/problem+json";
constexpr std::string_view kText = "text/plain";

class Document {
 public:
  explicit Document(const PostLimits& limits) : limits_(limits) {}
  std::string write(std::span<const DomainCodec> domains);

 private:
  // Each writes one member of the object that is open.
  void post(const DomainCodec& domain);
  void request_body(const std::string& domain);
  void get(std::string_view path, std::string_view id, std::string_view summary,
           std::string_view type);
  void media_schema(std::string_view type, std::string_view reference);
  void opaque_media(std::string_view type, std::string_view description);
  void response(std::string_view status, std::string_view description, std::string_view type,
                std::string_view schema);
  void schemas_of(const DomainCodec& domain);
  void accepted_schema();
  void problem_schema();
  void typed(std::string_view name, std::string_view type, std::string_view description);
  void list_of_texts(std::string_view name, std::string_view description);
  void reference(std::string_view schema);

  const PostLimits limits_;
  JsonWriter json_;
};

std::string event_of(std::string_view domain) { return std::string(domain) + ".event"; }

std::string fact_of(std::string_view domain, std::string_view type) {
  return std::string(domain) + "." + std::string(type);
}

std::string path_of(std::string_view schema) {
  return "#/components/schemas/" + std::string(schema);
}

void Document::reference(std::string_view schema) {
  json_.begin_object().field("$ref", path_of(schema)).end_object();
}

void Document::media_schema(std::string_view type, std::string_view schema) {
  json_.name(type).begin_object().name("schema");
  reference(schema);
  json_.end_object();
}

void Document::opaque_media(std::string_view type, std::string_view description) {
  json_.name(type).begin_object().name("schema").begin_object();
  json_.field("type", "string").field("description", description);
  json_.end_object().end_object();
}

void Document::response(std::string_view status, std::string_view description,
                        std::string_view type, std::string_view schema) {
  json_.name(status).begin_object().field("description", description);
  if (status == "503") {
    json_.name("headers").begin_object().name("Retry-After").begin_object();
    json_.field("description", "Seconds after which to come again");
    json_.name("schema").begin_object().field("type", "integer").end_object();
    json_.end_object().end_object();
  }
  json_.name("content").begin_object();
  media_schema(type, schema);
  json_.end_object().end_object();
}

void Document::request_body(const std::string& domain) {
  json_.name("requestBody").begin_object().name("required").flag(true).name("content");
  json_.begin_object();
  media_schema("application/cloudevents+json", event_of(domain));
  json_.name("application/cloudevents-batch+json").begin_object().name("schema").begin_object();
  json_.field("type", "array");
  json_.name("maxItems").number(limits_.batch_events).name("items");
  reference(event_of(domain));
  json_.end_object().end_object();
  opaque_media("application/x-ndjson", "Events as in a batch, one a line.");
  opaque_media("application/x-protobuf", "A sluice.EnvelopeBatch (envelope.proto).");
  json_.end_object().end_object();
}

void Document::post(const DomainCodec& domain) {
  const std::string name(domain.domain.name);
  json_.name("/v1/" + name + "/events").begin_object().name("post").begin_object();
  json_.field("operationId", "post_" + name + "_events");
  json_.field("summary", "Append events to the log of " + name + ", all or none");
  json_.field(
      "description",
      "The reply comes when the log has the events. An id is the idempotency key: posted again, "
      "an event counts once; one without an id is given one. Instead of data an event may have "
      "data_base64, base64 of the JSON of data. CloudEvents' binary mode is taken as well: a "
      "ce-specversion header beside application/json, any +json or no content type; the body is "
      "the data. A body may be packed with gzip, which its Content-Encoding says; limits are those "
      "of "
      "what it unpacks to. Extension attributes are let through unread, but for names that are "
      "near "
      "to an attribute's or begin with actor. At most " +
          std::to_string(limits_.body_bytes) + " bytes a body, " +
          std::to_string(limits_.event_bytes) + " bytes an event, " +
          std::to_string(limits_.batch_events) + " events.");
  request_body(name);
  json_.name("responses").begin_object();
  response("202", "The log has every event", kJson, "accepted");
  response("400", "Not HTTP, or not what the content type says", kProblem, "problem");
  response("408", "The request was not whole in time", kProblem, "problem");
  response("413", "Too large a body, batch or event, or an event that the log does not take",
           kProblem, "problem");
  response("415", "A content type, a charset or a content coding that is not taken", kProblem,
           "problem");
  response("422", "Some events are not admissible; nothing was appended", kProblem, "problem");
  response("431", "Too large header fields", kProblem, "problem");
  response("503",
           "The log or a queue is full or away. With ids: these events may be in the log all the "
           "same, and a retry under these ids counts once",
           kProblem, "problem");
  response("default", "Refused", kProblem, "problem");
  json_.end_object().end_object().end_object();
}

void Document::get(std::string_view path, std::string_view id, std::string_view summary,
                   std::string_view type) {
  json_.name(path).begin_object().name("get").begin_object();
  json_.field("operationId", id).field("summary", summary);
  json_.name("responses").begin_object().name("200").begin_object();
  json_.field("description", "OK").name("content").begin_object().name(type).begin_object();
  json_.name("schema").begin_object().field("type", type == kJson ? "object" : "string");
  json_.end_object().end_object().end_object().end_object();
  if (path == "/readyz") response("503", "Not ready, and why", kProblem, "problem");
  response("default", "Refused", kProblem, "problem");
  json_.end_object().end_object().end_object();
}

void Document::typed(std::string_view name, std::string_view type, std::string_view description) {
  json_.name(name).begin_object().field("type", type).field("description", description);
  json_.end_object();
}

void Document::list_of_texts(std::string_view name, std::string_view description) {
  json_.name(name).begin_object().field("type", "array").field("description", description);
  json_.name("items").begin_object().field("type", "string").end_object().end_object();
}

void Document::accepted_schema() {
  json_.name("accepted").begin_object().field("type", "object").name("required").begin_array();
  json_.text("accepted").text("token").text("ids").end_array().name("properties").begin_object();
  typed("accepted", "integer", "How many events the log has of this request.");
  typed("token", "string", "What a view must have reached to show them; opaque.");
  list_of_texts("ids", "Of the events, in their order.");
  json_.end_object().end_object();
}

// RFC 9457.
void Document::problem_schema() {
  json_.name("problem").begin_object().field("type", "object").name("required").begin_array();
  for (const std::string_view name : {"type", "title", "status", "detail"}) json_.text(name);
  json_.end_array().name("properties").begin_object();
  typed("type", "string", "about:blank: the status says it.");
  typed("title", "string", "What the status means.");
  typed("status", "integer", "The status again.");
  typed("detail", "string", "What is wrong, for a person.");
  typed("error_count", "integer", "With 413 and 422: how many faults there are.");
  list_of_texts("ids", "With 503: of events that may be in the log all the same.");
  json_.name("errors").begin_object().field("type", "array");
  json_.field("description", "With 413 and 422: the first 1,000 faults.")
      .name("items")
      .begin_object();
  json_.field("type", "object").name("required").begin_array();
  for (const std::string_view name : {"index", "field", "reason"}) json_.text(name);
  json_.end_array().name("properties").begin_object();
  typed("index", "integer", "Of the event in the request, from 0.");
  typed("field", "string", "data.choice, time; empty: the event itself.");
  typed("reason", "string", "What is wrong with it, for a person.");
  typed("size", "integer", "With 413: bytes of the event as a record.");
  typed("limit", "integer", "With 413: how many the log takes, where it says so.");
  json_.end_object().end_object().end_object().end_object().end_object();
}

void Document::schemas_of(const DomainCodec& domain) {
  const std::string_view name = domain.domain.name;
  for (const DomainCodec::Fact& fact : domain.facts()) {
    json_.name(fact_of(name, fact.type));
    write_event_schema(json_, fact);
  }
  json_.name(event_of(name)).begin_object().name("oneOf").begin_array();
  for (const DomainCodec::Fact& fact : domain.facts()) reference(fact_of(name, fact.type));
  json_.end_array().name("discriminator").begin_object().field("propertyName", "type");
  json_.name("mapping").begin_object();
  for (const DomainCodec::Fact& fact : domain.facts()) {
    json_.field(fact.type, path_of(fact_of(name, fact.type)));
  }
  json_.end_object().end_object().end_object();
}

std::string Document::write(std::span<const DomainCodec> domains) {
  json_.begin_object().field("openapi", "3.1.0").name("info").begin_object();
  json_.field("title", "Sluice ingest").field("version", "1");
  json_.field("description", "Takes CloudEvents 1.0 and appends them to a log.").end_object();
  json_.name("paths").begin_object();
  for (const DomainCodec& domain : domains) post(domain);
  get("/healthz", "healthz", "Whether the process is alive", kText);
  get("/readyz", "readyz", "Whether what the process runs is able to work", kText);
  get("/metrics", "metrics", "Prometheus exposition", kText);
  get("/openapi.json", "openapi", "This document", kJson);
  json_.end_object().name("components").begin_object().name("schemas").begin_object();
  accepted_schema();
  problem_schema();
  for (const DomainCodec& domain : domains) schemas_of(domain);
  json_.end_object().end_object().end_object();
  return json_.take();
}

}  // namespace

std::string openapi_document(std::span<const DomainCodec> domains, const PostLimits& limits) {
  return Document(limits).write(domains);
}

}  // namespace sluice

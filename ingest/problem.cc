#include "ingest/problem.h"

#include <algorithm>

#include "ingest/http/reply.h"
#include "storage/base/json_writer.h"

namespace sluice {
namespace {

constexpr std::string_view kProblemJson = "application/problem+json";
constexpr std::string_view kRetryAfterSeconds = "1";

JsonWriter begin(int status, std::string_view detail) {
  JsonWriter json;
  json.begin_object().field("type", "about:blank").field("title", http::reason_phrase(status));
  json.name("status").number(status).field("detail", detail);
  return json;
}

http::Response finish(int status, JsonWriter& json) {
  json.end_object();
  http::Response response;
  response.status = status;
  response.content_type = kProblemJson;
  response.body = json.take();
  return response;
}

}  // namespace

http::Response problem(int status, std::string_view detail) {
  JsonWriter json = begin(status, detail);
  return finish(status, json);
}

http::Response problem(int status, std::string_view detail, const Faults& faults) {
  JsonWriter json = begin(status, detail);
  json.name("error_count").number(faults.count());
  json.name("errors").begin_array();
  for (const EventFault& fault : faults.kept()) {
    json.begin_object().name("index").number(fault.index);
    json.field("field", fault.field).field("reason", fault.reason).end_object();
  }
  json.end_array();
  return finish(status, json);
}

http::Response too_large_for(std::string_view stream, std::span<const OversizeEvent> events) {
  constexpr int kTooLarge = 413;
  const auto reason_of = [stream](const OversizeEvent& event) {
    std::string reason = "takes " + std::to_string(event.bytes) + " bytes as a record, more than " +
                         std::string(stream) + " takes";
    if (event.limit > 0) reason += ", which is " + std::to_string(event.limit);
    return reason;
  };
  JsonWriter json =
      begin(kTooLarge, "nothing was appended: event " + std::to_string(events.front().index) + " " +
                           reason_of(events.front()));
  json.name("error_count").number(events.size());
  json.name("errors").begin_array();
  for (const OversizeEvent& event : events.first(std::min(events.size(), Faults::kKept))) {
    json.begin_object().name("index").number(event.index).field("field", "");
    json.field("reason", reason_of(event)).name("size").number(event.bytes);
    if (event.limit > 0) json.name("limit").number(event.limit);
    json.end_object();
  }
  json.end_array();
  return finish(kTooLarge, json);
}

http::Response unavailable(std::string_view detail, const std::vector<std::string>& ids) {
  constexpr int kUnavailable = 503;
  JsonWriter json = begin(kUnavailable, detail);
  if (!ids.empty()) {
    json.name("ids").begin_array();
    for (const std::string& id : ids) json.text(id);
    json.end_array();
  }
  http::Response response = finish(kUnavailable, json);
  response.fields.emplace_back("Retry-After", kRetryAfterSeconds);
  return response;
}

}  // namespace sluice

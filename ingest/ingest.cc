#include "ingest/ingest.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "ingest/openapi.h"
#include "ingest/problem.h"
#include "storage/base/json_writer.h"

namespace sluice {
namespace {

constexpr std::string_view kEventsPrefix = "/v1/";
constexpr std::string_view kEventsSuffix = "/events";
constexpr std::string_view kPaths[] = {"/healthz", "/readyz", "/metrics", "/openapi.json"};

// "deliberation" of "/v1/deliberation/events"; empty for another path.
std::string_view domain_of(std::string_view path) {
  if (!path.starts_with(kEventsPrefix) || !path.ends_with(kEventsSuffix)) return {};
  path.remove_prefix(kEventsPrefix.size());
  if (path.size() <= kEventsSuffix.size()) return {};
  path.remove_suffix(kEventsSuffix.size());
  return path.find('/') == std::string_view::npos ? path : std::string_view();
}

std::vector<DomainCodec> codecs_of(std::span<const Domain> domains, const IngestConfig& config) {
  std::vector<DomainCodec> codecs;
  codecs.reserve(domains.size());
  for (const Domain& domain : domains) {
    const auto partitions = config.partitions.find(domain.name);
    if (partitions != config.partitions.end()) codecs.emplace_back(domain, partitions->second);
  }
  return codecs;
}

http::Response text(int status, std::string body, std::string_view type = "text/plain") {
  http::Response response;
  response.status = status;
  response.content_type = type;
  response.body = std::move(body);
  return response;
}

http::Response not_allowed(std::string_view allow) {
  http::Response response = problem(405, "this path answers to " + std::string(allow));
  response.fields.emplace_back("Allow", allow);
  return response;
}

http::Response options(std::string_view allow) {
  http::Response response;
  response.status = 204;
  response.fields.emplace_back("Allow", allow);
  return response;
}

http::Response stopping() { return unavailable("this process is stopping"); }

http::Response problem_of(const Refusal& refusal) {
  if (refusal.faults.empty()) return problem(refusal.status, refusal.detail);
  return problem(refusal.status, refusal.detail, refusal.faults);
}

IngestProbe::Refusal reason_of(int status) {
  if (status == 413) return IngestProbe::Refusal::kTooLarge;
  if (status == 415) return IngestProbe::Refusal::kMediaType;
  if (status == 422) return IngestProbe::Refusal::kInadmissible;
  return IngestProbe::Refusal::kMalformed;
}

http::Response accepted(const Appended& appended) {
  JsonWriter json;
  json.begin_object().name("accepted").number(appended.ids.size());
  json.field("token", appended.token).name("ids").begin_array();
  for (const std::string& id : appended.ids) json.text(id);
  json.end_array().end_object();
  return text(202, json.take(), "application/json");
}

RequestHeaders headers_of(const http::RequestHead& head, std::vector<std::string>& names) {
  RequestHeaders headers;
  headers.content_type = head.find("content-type").value_or(std::string_view());
  names.reserve(head.field_count());
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const auto [name, value] = head.field(i);
    std::string lower(name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (!lower.starts_with("ce-")) continue;
    names.push_back(lower.substr(3));
    headers.ce.emplace_back(names.back(), value);
  }
  return headers;
}

// A request until it is answered.
struct Pending {
  Pending(http::Responder respond_by, http::MemoryShare held)
      : respond(std::move(respond_by)), memory(std::move(held)) {}
  http::Responder respond;
  http::MemoryShare memory;
};

// The body, the batch, and the parser's index of one event, which has a dozen bytes for each byte.
std::size_t memory_to_decode(std::size_t body, std::size_t event_bytes) {
  constexpr std::size_t kIndex = 12;
  return 2 * body + kIndex * std::min(body, event_bytes);
}

// What it is appended from too.
std::size_t memory_of(const AdmittedBatch& batch) {
  constexpr std::size_t kAnEvent =
      sizeof(AdmittedBatch::Item) + sizeof(std::string) + sizeof(NewRecord) + sizeof(Offset);
  std::size_t bytes = batch.bytes.capacity() + batch.items.capacity() * kAnEvent;
  for (const std::string& id : batch.ids) bytes += id.capacity();
  return bytes;
}

http::Response refused_by_http(int status, std::string_view detail) {
  if (status == 503) return unavailable(detail);
  http::Response response = problem(status, detail);
  // RFC 9110, 15.5.16: a coding that is not taken is told which is.
  if (status == 415) response.fields.emplace_back("Accept-Encoding", "gzip");
  return response;
}

}  // namespace

Ingest::Ingest(std::span<const Domain> domains, const IngestConfig& config, IngestParts parts)
    : parts_(std::move(parts)),
      clock_(parts_.clock),
      codecs_(codecs_of(domains, config)),
      openapi_(openapi_document(codecs_, {config.http.max_body, config.decoder.event_bytes,
                                          config.decoder.batch_events})),
      event_bytes_(config.decoder.event_bytes),
      decoders_(config.decoder, clock_),
      probe_(parts_.metrics),
      appender_(parts_.writer, parts_.patient_writer, config.appender, probe_, parts_.log),
      server_(
          config.http, config.address, config.port, static_cast<std::size_t>(config.threads),
          [this](http::Request&& request, http::Responder respond) {
            answer(std::move(request), std::move(respond));
          },
          [this](int status, std::string_view detail) {
            probe_.answered(status);
            return refused_by_http(status, detail);
          }) {}

Ingest::~Ingest() {
  constexpr std::chrono::milliseconds kAtOnce{0};
  if (append_thread_.joinable()) drain(kAtOnce);
}

void Ingest::start() {
  append_thread_ = std::jthread([this](const std::stop_token& stop) { appender_.run(stop); });
  patient_thread_ =
      std::jthread([this](const std::stop_token& stop) { appender_.run_patient(stop); });
  server_.start();
}

void Ingest::drain(std::chrono::milliseconds deadline) {
  draining_ = true;
  server_.drain(deadline);
  append_thread_.request_stop();
  append_thread_.join();
  patient_thread_.request_stop();
  if (patient_thread_.joinable()) patient_thread_.join();
  server_.stop();
}

const DomainCodec* Ingest::find(std::string_view domain) const {
  for (const DomainCodec& codec : codecs_) {
    if (codec.domain.name == domain) return &codec;
  }
  return nullptr;
}

std::string Ingest::no_domain(std::string_view domain) const {
  std::string there;
  for (const DomainCodec& codec : codecs_) {
    there += (there.empty() ? "" : ", ") + std::string(codec.domain.name);
  }
  return "there is no domain " + std::string(domain) + "; there are: " + there;
}

void Ingest::answer(http::Request&& request, http::Responder respond) {
  const auto reply = [&](http::Response response) {
    probe_.answered(response.status);
    respond(std::move(response));
  };
  const std::string_view method = request.method;
  const std::string_view domain = domain_of(request.path);
  if (!domain.empty()) {
    constexpr std::string_view kAllow = "POST, OPTIONS";
    const DomainCodec* codec = find(domain);
    if (codec == nullptr) return reply(problem(404, no_domain(domain)));
    if (method == "OPTIONS") return reply(options(kAllow));
    if (method != "POST") return reply(not_allowed(kAllow));
    return post(*codec, std::move(request), std::move(respond));
  }
  // The parser has seen to it that nothing but OPTIONS asks the server itself.
  if (request.path == "*") return reply(options("GET, HEAD, POST, OPTIONS"));
  constexpr std::string_view kAllow = "GET, HEAD, OPTIONS";
  if (std::find(std::begin(kPaths), std::end(kPaths), request.path) == std::end(kPaths)) {
    return reply(problem(404, "there is no " + request.path));
  }
  if (method == "OPTIONS") return reply(options(kAllow));
  if (method != "GET" && method != "HEAD") return reply(not_allowed(kAllow));
  reply(get(request));
}

http::Response Ingest::metrics() {
  const AppendQueue::Size waiting = appender_.waiting();
  probe_.state(
      {server_.open_connections(), server_.memory_held(), waiting.requests, waiting.bytes});
  std::vector<prometheus::MetricFamily> families = parts_.metrics.Collect();
  parts_.add_metrics(families);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return text(200, out.str(), "text/plain; version=0.0.4; charset=utf-8");
}

http::Response Ingest::get(const http::Request& request) {
  if (request.path == "/healthz") return text(200, "ok\n");
  if (request.path == "/openapi.json") return text(200, openapi_, "application/json");
  if (request.path == "/metrics") return metrics();
  if (draining_) return stopping();
  const std::vector<std::string> reasons = parts_.unready();
  if (reasons.empty()) {
    const std::string advice = parts_.advice();
    return text(200, advice.empty() ? "ready\n" : "ready\n" + advice + "\n");
  }
  std::string detail;
  for (const std::string& reason : reasons) detail += (detail.empty() ? "" : "; ") + reason;
  return unavailable(detail);
}

void Ingest::post(const DomainCodec& codec, http::Request&& request, http::Responder respond) {
  const auto pending = std::make_shared<Pending>(std::move(respond), std::move(request.memory));
  const auto reply = [this, begun = std::chrono::steady_clock::now(),
                      pending](http::Response response) {
    probe_.answered(response.status);
    probe_.posted(std::chrono::steady_clock::now() - begun);
    pending->memory.set(0);
    pending->respond(std::move(response));
  };
  const auto refuse = [this, reply](IngestProbe::Refusal why, http::Response response) {
    probe_.refused(why);
    reply(std::move(response));
  };
  if (draining_) return refuse(IngestProbe::Refusal::kDraining, stopping());
  if (const auto reason = parts_.refuses(codec.domain.name)) {
    return refuse(IngestProbe::Refusal::kDomain, unavailable(*reason));
  }
  // Two readers could disagree about which one counts.
  if (request.head.count("content-type") > 1) {
    return refuse(IngestProbe::Refusal::kMalformed,
                  problem(400, "there is more than one Content-Type"));
  }
  if (!pending->memory.resize(memory_to_decode(request.body.size(), event_bytes_))) {
    return refuse(IngestProbe::Refusal::kQueueFull, unavailable("too much is being taken in"));
  }
  std::vector<std::string> names;
  const RequestHeaders headers = headers_of(request.head, names);
  auto decoded = decoders_.with(
      [&](Decoder& decoder) { return decoder.decode(codec, headers, std::move(request.body)); });
  if (const auto* refusal = std::get_if<Refusal>(&decoded)) {
    return refuse(reason_of(refusal->status), problem_of(*refusal));
  }
  auto& batch = std::get<AdmittedBatch>(decoded);
  pending->memory.set(memory_of(batch));
  if (batch.items.empty()) return reply(accepted({}));
  const bool taken = appender_.submit(
      batch, [this, &codec, reply](const Appended& appended) { finish(codec, appended, reply); });
  if (!taken) {
    refuse(IngestProbe::Refusal::kQueueFull, unavailable("too much waits for the log"));
  }
}

void Ingest::finish(const DomainCodec& codec, const Appended& appended, const Reply& reply) {
  using enum Appended::Outcome;
  switch (appended.outcome) {
    case done:
      probe_.acknowledged(codec.domain.name, appended.ids.size());
      return reply(accepted(appended));
    case too_large:
      probe_.refused(IngestProbe::Refusal::kTooLarge);
      return reply(too_large_for(stream_of(codec.domain.name), appended.oversize));
    case not_begun:
      probe_.refused(IngestProbe::Refusal::kLogSlow);
      return reply(unavailable(appended.reason));
    case unknown:
      probe_.refused(IngestProbe::Refusal::kLogFailed);
      return reply(unavailable(appended.reason, appended.ids));
  }
}

}  // namespace sluice

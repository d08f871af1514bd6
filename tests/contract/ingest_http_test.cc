#include "ingest/ingest.h"

#include <simdjson.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "storage/memory/memory_log.h"

namespace sluice {
namespace {

namespace asio = boost::asio;

// A client of its own making: what is sent, until the server closes.
std::string exchange(std::uint16_t port, const std::string& request) {
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  socket.connect({asio::ip::make_address("127.0.0.1"), port});
  asio::write(socket, asio::buffer(request));
  std::string reply;
  boost::system::error_code error;
  asio::read(socket, asio::dynamic_buffer(reply), error);
  return reply;
}

struct Served {
  MemoryLog log{[] { return Time{}; }};
  std::unique_ptr<EventWriter> writer;
  prometheus::Registry registry;
  std::vector<std::string> unready;
  std::unique_ptr<Ingest> ingest;

  Served() {
    log.create("deliberation.events", 4);
    writer = log.writer();
    IngestConfig config;
    config.partitions = {{"deliberation", 4}};
    config.port = 0;
    config.threads = 1;
    ingest = std::make_unique<Ingest>(
        domains(), config,
        IngestParts{.writer = *writer,
                    .metrics = registry,
                    .unready = [this] { return unready; },
                    .clock = [] { return Time{std::chrono::milliseconds{1000}}; }});
    ingest->start();
  }

  std::string send(const std::string& line, const std::string& headers = "",
                   const std::string& body = "") {
    return exchange(
        ingest->port(),
        line + " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n" + headers +
            (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") +
            "\r\n" + body);
  }
  std::string post(const std::string& body,
                   const std::string& type = "application/cloudevents+json") {
    return send("POST /v1/deliberation/events", "Content-Type: " + type + "\r\n", body);
  }
};

const std::string kVote =
    R"({"specversion":"1.0","type":"vote.set","source":"/t","id":"e","data":{"conversation_id":"c",)"
    R"("opinion_id":"o","participant_id":"p","choice":"agree"}})";

bool has(const std::string& reply, const std::string& part) {
  return reply.find(part) != std::string::npos;
}

TEST_CASE_METHOD(Served, "a post is answered when the log has it, with a token and its id") {
  const std::string reply = post(kVote);
  CAPTURE(reply);
  CHECK(reply.starts_with("HTTP/1.1 202"));
  CHECK(has(reply, R"("accepted":1,"token":"deliberation:)"));
  CHECK(has(reply, R"(@1","ids":["e"]})"));
  std::size_t records = 0;
  for (int p = 0; p < 4; ++p) records += log.records("deliberation.events", Partition{p}).size();
  CHECK(records == 1);
  CHECK(has(post("[]", "application/cloudevents-batch+json"),
            R"({"accepted":0,"token":"","ids":[]})"));
}

TEST_CASE_METHOD(Served, "a faulty post is a problem that names the fields, and appends nothing") {
  const std::string reply =
      post("[" + kVote + R"(,{"specversion":"1.0"}])", "application/cloudevents-batch+json");
  CAPTURE(reply);
  CHECK(reply.starts_with("HTTP/1.1 422"));
  CHECK(has(reply, "application/problem+json"));
  CHECK(
      has(reply, R"("error_count":3,"errors":[{"index":1,"field":"source","reason":"is required"})"));
  for (int p = 0; p < 4; ++p) CHECK(log.records("deliberation.events", Partition{p}).empty());
}

TEST_CASE_METHOD(Served, "routes and methods") {
  const auto [line, status, part] = GENERATE(table<std::string, std::string, std::string>({
      {"GET /healthz", "200", "ok"},
      {"HEAD /healthz", "200", "Content-Length: 3\r\n"},
      {"GET /readyz", "200", "ready"},
      {"GET /metrics", "200", "sluice_ingest_waiting_bytes"},
      {"GET /openapi.json", "200", "vote.set"},
      {"OPTIONS /healthz", "204", "Allow: GET, HEAD, OPTIONS\r\n"},
      {"OPTIONS *", "204", "Allow: GET, HEAD, OPTIONS\r\n"},
      {"OPTIONS /v1/deliberation/events", "204", "Allow: POST, OPTIONS\r\n"},
      {"GET /v1/deliberation/events", "405", "Allow: POST, OPTIONS\r\n"},
      {"DELETE /healthz", "405", "Allow: GET, HEAD, OPTIONS\r\n"},
      {"POST /v1/nobody/events", "404", "there is no domain nobody"},
      {"GET /", "404", "application/problem+json"},
      {"GET /v1//events", "404", "application/problem+json"},
  }));
  const std::string reply = send(line);
  CAPTURE(line, reply);
  CHECK(reply.starts_with("HTTP/1.1 " + status));
  CHECK(has(reply, part));
}

TEST_CASE_METHOD(Served, "statuses of what is no post of events") {
  CHECK(post("{").starts_with("HTTP/1.1 400"));
  CHECK(post(kVote, "text/plain").starts_with("HTTP/1.1 415"));
  CHECK(post(kVote, "application/cloudevents+json; charset=utf-16").starts_with("HTTP/1.1 415"));
  CHECK(exchange(ingest->port(), "GET / HTTP/1.1\n\n").starts_with("HTTP/1.1 400"));
  CHECK(has(exchange(ingest->port(), "GET / HTTP/1.1\r\n\r\n"), R"("title":"Bad Request")"));
}

TEST_CASE_METHOD(Served, "a log that fails is 503 with the ids") {
  log.set_away(true);
  const std::string reply = post(kVote);
  CAPTURE(reply);
  CHECK(reply.starts_with("HTTP/1.1 503"));
  CHECK(has(reply, "Retry-After: "));
  CHECK(has(reply, R"("ids":["e"])"));
  log.set_away(false);
  CHECK(post(kVote).starts_with("HTTP/1.1 202"));
}

TEST_CASE_METHOD(Served, "readiness has its reason") {
  unready = {"deliberation:3: no topic"};
  const std::string reply = send("GET /readyz");
  CHECK(reply.starts_with("HTTP/1.1 503"));
  CHECK(has(reply, "deliberation:3: no topic"));
  CHECK(send("GET /healthz").starts_with("HTTP/1.1 200"));
}

TEST_CASE_METHOD(Served, "draining finishes what was taken and closes") {
  CHECK(post(kVote).starts_with("HTTP/1.1 202"));
  ingest->drain(std::chrono::seconds(5));
  CHECK_THROWS(send("GET /healthz"));
}

TEST_CASE_METHOD(Served, "the OpenAPI document is JSON and its references lead somewhere") {
  const std::string reply = send("GET /openapi.json");
  const std::string text = reply.substr(reply.find("\r\n\r\n") + 4);
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  REQUIRE(parser.parse(text).get(document) == simdjson::SUCCESS);
  constexpr std::string_view kReference = "\"$ref\":\"#";
  for (std::size_t at = text.find(kReference); at != std::string::npos;
       at = text.find(kReference, at + 1)) {
    const std::size_t begin = at + kReference.size();
    const std::string pointer = text.substr(begin, text.find('"', begin) - begin);
    CAPTURE(pointer);
    CHECK(document.at_pointer(pointer).error() == simdjson::SUCCESS);
  }
}

}  // namespace
}  // namespace sluice

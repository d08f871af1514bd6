#include <simdjson.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <regex>
#include <sstream>

#include "tests/contract/held_writer.h"
#include "tests/contract/served_ingest.h"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;
using http::Client;
using http::status_of_reply;

// Every refusal says what it is twice: in its status line and in its body.
void check_problem(const std::string& reply, int status) {
  CAPTURE(reply);
  CHECK(status_of_reply(reply) == status);
  CHECK(field_of(reply, "Content-Type") == "application/problem+json");
  simdjson::dom::parser parser;
  simdjson::dom::element problem;
  REQUIRE(parser.parse(std::string(http::body_of(reply))).get(problem) == simdjson::SUCCESS);
  CHECK(std::int64_t(problem["status"]) == status);
  CHECK_FALSE(std::string_view(problem["title"]).empty());
  CHECK_FALSE(std::string_view(problem["detail"]).empty());
  CHECK(field_of(reply, "Retry-After").empty() == (status != 503));
}

TEST_CASE("a post is answered when the log has it, with a token and its id") {
  ServedIngest served;
  const std::string reply = served.post(vote());
  CAPTURE(reply);
  CHECK(status_of_reply(reply) == 202);
  CHECK(field_of(reply, "Content-Type") == "application/json");
  CHECK(has(reply, R"({"accepted":1,"token":"deliberation:2@1","ids":["e"]})"));
  REQUIRE(served.logged().size() == 1);
  CHECK(served.logged()[0].id() == "e");
}

TEST_CASE("a faulty post is a problem that names the fields, and appends nothing") {
  ServedIngest served;
  const std::string reply = served.post("[" + vote() + R"(,{"specversion":"1.0"}])", kBatched);
  check_problem(reply, 422);
  CHECK(has(reply,
            R"("error_count":3,"errors":[{"index":1,"field":"source","reason":"is required"})"));
  CHECK(served.logged().empty());
}

TEST_CASE("routes and methods") {
  ServedIngest served;
  const auto [line, status, part] = GENERATE(table<std::string, int, std::string>({
      {"GET /healthz", 200, "ok"},
      {"HEAD /healthz", 200, "Content-Length: 3\r\n"},
      {"GET /readyz", 200, "ready"},
      {"GET /readyz?verbose=1", 200, "ready"},
      {"GET http://elsewhere/healthz", 200, "ok"},
      {"GET /metrics", 200, "# TYPE sluice_ingest"},
      {"GET /openapi.json", 200, "vote.set"},
      {"OPTIONS /healthz", 204, "Allow: GET, HEAD, OPTIONS\r\n"},
      {"OPTIONS *", 204, "Allow: GET, HEAD, POST, OPTIONS\r\n"},
      {"OPTIONS /v1/deliberation/events", 204, "Allow: POST, OPTIONS\r\n"},
      {"GET /v1/deliberation/events", 405, "Allow: POST, OPTIONS\r\n"},
      {"HEAD /v1/deliberation/events", 405, "Allow: POST, OPTIONS\r\n"},
      {"TRACE /v1/deliberation/events", 405, "Allow: POST, OPTIONS\r\n"},
      {"get /healthz", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
      {"DELETE /healthz", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
      {"POST /v1/nobody/events", 404, "there is no domain nobody; there are: "},
      {"OPTIONS /v1/nobody/events", 404, ""},
      {"POST /v1/deliberation/events/", 404, ""},
      {"POST /v1/deliberation%2Fevents", 404, ""},
      {"POST /v1//deliberation/events", 404, ""},
      {"GET /", 404, ""},
      {"GET /v1//events", 404, ""},
      {"GET *", 400, ""},
      {"CONNECT t:80", 400, ""},
      {"GET /%zz", 400, ""},
  }));
  const std::string reply = served.send(line);
  CAPTURE(line, reply);
  CHECK(status_of_reply(reply) == status);
  CHECK(has(reply, part));
  if (status >= 400 && !line.starts_with("HEAD")) check_problem(reply, status);
  if (line.starts_with("HEAD")) CHECK(http::body_of(reply).empty());
}

TEST_CASE("what HTTP refuses is a problem, too") {
  IngestConfig config;
  config.http.max_body = 1000;
  config.http.request_timeout = 200ms;
  ServedIngest served(config);
  check_problem(served.post(std::string(1001, ' ')), 413);
  check_problem(served.exchange("GET / HTTP/1.1\r\n\r\n"), 400);
  check_problem(served.exchange("GET /healthz HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"),
                408);
  check_problem(served.exchange(post_request(vote(), "Expect: tea\r\n")), 417);
  check_problem(
      served.exchange("GET / HTTP/1.1\r\nHost: t\r\nA: " + std::string(40'000, 'a') + "\r\n\r\n"),
      431);
  check_problem(served.exchange("GET / HTTP/2.0\r\n\r\n"), 505);
  check_problem(served.post("{"), 400);
  check_problem(served.post("{}", "text/plain"), 415);
}

TEST_CASE("one connection too many is told when to come again") {
  IngestConfig config;
  config.http.max_connections = 1;
  ServedIngest served(config);
  Client first(served.port());
  REQUIRE(first.send("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n"));
  REQUIRE(status_of_reply(first.reply()) == 200);
  check_problem(served.send("GET /healthz"), 503);
}

TEST_CASE("a log that fails is 503 with the ids, and the next post goes on") {
  ServedIngest served;
  SECTION("before it took effect") { served.log.set_away(true); }
  SECTION("after it took effect") { served.log.fail_next_append(1); }
  const std::string reply = served.post("[" + vote() + "," + vote(R"("id":"f",)") + "]", kBatched);
  check_problem(reply, 503);
  CHECK(has(reply, R"("ids":["e","f"])"));
  served.log.set_away(false);
  CHECK(status_of_reply(served.post(vote())) == 202);
}

TEST_CASE("a full queue is 503 at once, without ids, and nothing of it is appended") {
  HeldWriter writer(log_of_its_own().writer());
  IngestConfig config;
  config.appender.waiting_requests = 1;
  ServedIngest served(config, &writer);
  writer.hold();
  const auto post = [&] { return served.post(vote("")); };
  auto appending = std::async(std::launch::async, post);
  writer.wait_for_append();
  // One waits behind it; which of these it is does not matter.
  std::vector<std::future<std::string>> others;
  for (int i = 0; i < 3; ++i) others.push_back(std::async(std::launch::async, post));
  int refused = 0;
  while (refused < 2) {
    for (auto& other : others) {
      if (!other.valid() || other.wait_for(1ms) != std::future_status::ready) continue;
      const std::string reply = other.get();
      check_problem(reply, 503);
      CHECK_FALSE(has(reply, "\"ids\""));
      ++refused;
    }
  }
  writer.release();
  CHECK(status_of_reply(appending.get()) == 202);
  for (auto& other : others) {
    if (other.valid()) CHECK(status_of_reply(other.get()) == 202);
  }
}

TEST_CASE("who has waited too long for a slow log is told so before the append") {
  HeldWriter writer(log_of_its_own().writer());
  IngestConfig config;
  config.appender.patience = 0ms;
  ServedIngest served(config, &writer);
  const std::string reply = served.post(vote());
  check_problem(reply, 503);
  CHECK_FALSE(has(reply, "\"ids\""));
}

TEST_CASE("readiness has its reason") {
  ServedIngest served;
  served.unready = {"deliberation:3: no topic"};
  const std::string reply = served.send("GET /readyz");
  check_problem(reply, 503);
  CHECK(has(reply, "deliberation:3: no topic"));
  CHECK(status_of_reply(served.send("GET /healthz")) == 200);
  CHECK(status_of_reply(served.post(vote())) == 202);
}

TEST_CASE("draining finishes what was taken, refuses what comes, and closes") {
  HeldWriter writer(log_of_its_own().writer());
  ServedIngest served({}, &writer);
  writer.hold();
  Client taken(served.port());
  REQUIRE(taken.send(post_request(vote(), "Content-Type: application/cloudevents+json\r\n")));
  writer.wait_for_append();
  Client begun(served.port());
  const std::string late = post_request(vote(), "Content-Type: application/cloudevents+json\r\n");
  REQUIRE(begun.send("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n" + late.substr(0, 10)));
  REQUIRE(status_of_reply(begun.reply()) == 200);

  auto drained = std::async(std::launch::async, [&] { served.ingest->drain(20s); });
  while (true) {
    // From then on the port is closed.
    try {
      const Client other(served.port());
    } catch (const std::runtime_error&) {
      break;
    }
  }
  REQUIRE(begun.send(late.substr(10)));
  check_problem(begun.rest(), 503);
  begun.vanish();
  writer.release();
  CHECK(status_of_reply(taken.rest()) == 202);
  taken.vanish();
  drained.get();
}

// The value of a sample, by its name and labels as written; "" when there is none.
std::string sample(std::string_view metrics, const std::string& name) {
  const std::string line = "\n" + name + " ";
  const std::size_t at = metrics.find(line);
  if (at == std::string_view::npos) return {};
  metrics.remove_prefix(at + line.size());
  return std::string(metrics.substr(0, metrics.find('\n')));
}

TEST_CASE("metrics count what happened") {
  ServedIngest served;
  (void)served.post("[" + vote() + "," + vote() + "]", kBatched);
  (void)served.post(vote("", "{}"));
  (void)served.post("{");
  (void)served.post(vote(), "text/plain");
  served.log.set_away(true);
  (void)served.post(vote());
  (void)served.exchange("GET / HTTP/1.1\n");
  const std::string reply = served.send("GET /metrics");
  CHECK(field_of(reply, "Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  const std::string_view metrics = http::body_of(reply);
  const auto [name, value] = GENERATE(table<std::string, std::string>({
      {"sluice_ingest_events_total{domain=\"deliberation\"}", "2"},
      {"sluice_ingest_requests_total{status=\"202\"}", "1"},
      {"sluice_ingest_requests_total{status=\"400\"}", "2"},
      {"sluice_ingest_requests_total{status=\"415\"}", "1"},
      {"sluice_ingest_requests_total{status=\"422\"}", "1"},
      {"sluice_ingest_requests_total{status=\"503\"}", "1"},
      {"sluice_ingest_refused_total{reason=\"inadmissible\"}", "1"},
      {"sluice_ingest_refused_total{reason=\"log_failed\"}", "1"},
      {"sluice_ingest_refused_total{reason=\"malformed\"}", "1"},
      {"sluice_ingest_refused_total{reason=\"media_type\"}", "1"},
      {"sluice_ingest_refused_total{reason=\"queue_full\"}", "0"},
      {"sluice_ingest_post_duration_seconds_count", "5"},
      {"sluice_ingest_append_duration_seconds_count", "1"},
      {"sluice_ingest_append_events_sum", "2"},
      {"sluice_ingest_append_failures_total", "1"},
      {"sluice_ingest_connections", "1"},
      {"sluice_ingest_waiting_requests", "0"},
      {"sluice_ingest_waiting_bytes", "0"},
  }));
  CAPTURE(name, metrics);
  CHECK(sample(metrics, name) == value);
}

TEST_CASE("metrics are Prometheus' text format, by its conventions") {
  ServedIngest served;
  (void)served.post(vote());
  std::string text(http::body_of(served.send("GET /metrics")));
  std::map<std::string, std::string> types;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    std::smatch match;
    if (std::regex_match(line, match, std::regex("# TYPE (\\w+) (counter|gauge|histogram)"))) {
      CHECK(types.emplace(match[1], match[2]).second);
      continue;
    }
    if (std::regex_match(line, std::regex("# HELP sluice_\\w+ .+"))) continue;
    REQUIRE(std::regex_match(
        line, match,
        std::regex("(sluice_\\w+)(\\{\\w+=\"[^\"\\\\]*\"(,\\w+=\"[^\"\\\\]*\")*\\})? (\\S+)")));
    CHECK_NOTHROW(std::stod(match[4]));
    const std::string name = match[1];
    const std::string base = std::regex_replace(name, std::regex("_(bucket|sum|count)$"), "");
    const bool histogram = types.contains(base) && types[base] == "histogram";
    CHECK((histogram || types.contains(name)));
    if (!histogram) CHECK((types[name] == "counter") == name.ends_with("_total"));
  }
  CHECK(types.size() == 11);
  CHECK(text.ends_with('\n'));
  CHECK(has(text, "le=\"+Inf\"} 1\n"));
}

}  // namespace
}  // namespace sluice::testing

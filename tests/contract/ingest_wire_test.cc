// HTTP as clients and attackers write it, and what of it ends in the log.

#include <catch2/catch.hpp>
#include <string>

#include "tests/contract/served_ingest.h"

namespace sluice::testing {
namespace {

using http::Client;
using http::status_of_reply;

const std::string kType = "Content-Type: application/cloudevents+json\r\n";

std::string chunked_request(const std::string& body, std::size_t chunk) {
  std::string request = "POST /v1/deliberation/events HTTP/1.1\r\nHost: t\r\n" + kType +
                        "Transfer-Encoding: Chunked\r\n\r\n";
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t at = 0; at < body.size(); at += chunk) {
    const std::string part = body.substr(at, chunk);
    request += kHex[part.size() / 16];
    request += kHex[part.size() % 16];
    request += ";ext=1\r\n" + part + "\r\n";
  }
  return request + "0\r\nTrailer: x\r\n\r\n";
}

TEST_CASE("pipelined posts are each appended and answered in their order") {
  ServedIngest served;
  Client client(served.port());
  std::string requests;
  constexpr int kMany = 50;
  for (int i = 0; i < kMany; ++i) {
    const std::string event = vote("\"id\":\"" + std::to_string(i) + "\",");
    requests += i % 2 == 0 ? post_request(event, kType) : chunked_request(event, 7);
  }
  REQUIRE(client.send(requests));
  for (int i = 0; i < kMany; ++i) {
    const std::string reply = client.reply();
    CAPTURE(reply);
    REQUIRE(has(reply, "\"ids\":[\"" + std::to_string(i) + "\"]"));
  }
  const auto records = served.logged();
  REQUIRE(records.size() == kMany);
  for (int i = 0; i < kMany; ++i)
    CHECK(records[static_cast<std::size_t>(i)].id() == std::to_string(i));
}

TEST_CASE("a post goes on after it was invited, as curl sends large ones") {
  ServedIngest served;
  Client client(served.port());
  const std::string request = post_request(vote(), kType + "Expect: 100-continue\r\n");
  const std::size_t head = request.size() - vote().size();
  REQUIRE(client.send(request.substr(0, head)));
  CHECK(client.reply() == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(served.logged().empty());
  REQUIRE(client.send(request.substr(head)));
  CHECK(status_of_reply(client.reply()) == 202);
}

TEST_CASE("HTTP/1.0 posts, with and without a Host, kept and not kept") {
  ServedIngest served;
  const auto fields = GENERATE(as<std::string>(), "", "Host: t\r\n");
  const auto request = [&](const std::string& more) {
    return "POST /v1/deliberation/events HTTP/1.0\r\n" + fields + kType + more +
           "Content-Length: " + std::to_string(vote().size()) + "\r\n\r\n" + vote();
  };
  CHECK(status_of_reply(served.exchange(request(""))) == 202);
  Client client(served.port());
  for (int i = 0; i < 2; ++i) {
    REQUIRE(client.send(request("Connection: Keep-Alive\r\n")));
    const std::string reply = client.reply();
    CHECK(status_of_reply(reply) == 202);
    CHECK(field_of(reply, "Connection") == "keep-alive");
  }
}

TEST_CASE("a post cut short has no effect") {
  ServedIngest served;
  const std::string whole = GENERATE(post_request(vote(), kType), chunked_request(vote(), 40));
  // Also where what came is an event already.
  for (const std::size_t missing :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, whole.size() / 2}) {
    Client client(served.port());
    REQUIRE(client.send(whole.substr(0, whole.size() - missing)));
    client.finish_sending();
    CHECK(client.rest().empty());
  }
  CHECK(served.logged().empty());
}

TEST_CASE("no shape of a request hides another in it") {
  ServedIngest served;
  const std::string hidden = post_request(vote(), kType);
  const std::string line = "POST /v1/deliberation/events HTTP/1.1\r\n";
  const std::string length = "Content-Length: " + std::to_string(hidden.size()) + "\r\n";
  const auto head = GENERATE_COPY(values<std::string>({
      line + "Host: t\r\n" + length + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      line + "Host: t\r\nTransfer-Encoding: chunked\r\n" + length + "\r\n0\r\n\r\n",
      line + "Host: t\r\nContent-Length: 0\r\n" + length + "\r\n",
      line + "Host: t\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
      line + "Host: t\r\nContent-Length: 0, 0\r\n\r\n",
      line + "Host: t\r\nContent-Length: +0\r\n\r\n",
      line + "Host: t\r\nContent-Length: 0x0\r\n\r\n",
      line + "Host: t\r\nContent-Length:\r\n\r\n",
      line + "Host: t\r\nContent-Length : 0\r\n\r\n",
      line + "Host: t\r\n Content-Length: 0\r\n\r\n",
      line + "Host: t\r\nA: b\r\n c\r\n\r\n",
      line + "Host: t\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      line + "Host: t\r\nTransfer-Encoding: identity\r\n\r\n",
      line + "Host: t\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      line + "Host: t\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      line + "Host: t\r\nTransfer-Encoding:\x0b"
             "chunked\r\n\r\n0\r\n\r\n",
      line + "Host: t\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
      line + "Host: t\r\nTransfer-Encoding: chunked\r\n\r\n0\n\r\n",
      line + "Host: t\r\nTransfer-Encoding: chunked\r\n\r\n0 \r\r\n",
      line + "Host: t\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
      line + "Host: t\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000000f\r\n",
      line + "Host: t\r\nA: b\rTransfer-Encoding: chunked\r\n\r\n",
      line + "Host: t\r\nA: b\nContent-Length: 0\r\n\r\n",
      line + "Host: t\r\nA: " + std::string(1, '\0') + "\r\n\r\n",
      line + "Host: t\r\nHost: t\r\n\r\n",
      line + "Host: t, u\r\n\r\n",
      line + "\r\n",
      "POST  /v1/deliberation/events HTTP/1.1\r\nHost: t\r\n\r\n",
      "POST /v1/deliberation/events  HTTP/1.1\r\nHost: t\r\n\r\n",
      "POST /v1/deliberation/events HTTP/1.1 \r\nHost: t\r\n\r\n",
      "POST /v1/deliberation/events http/1.1\r\nHost: t\r\n\r\n",
      "POST\t/v1/deliberation/events HTTP/1.1\r\nHost: t\r\n\r\n",
      "POST /v1/deliberation/events\r\n\r\n",
      "POST /v1/deliberation/events HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      std::string("\r\n\r\n"),
      std::string("\n"),
  }));
  CAPTURE(head);
  Client client(served.port());
  client.send(head + hidden);
  const std::string reply = client.rest();
  CAPTURE(reply);
  CHECK(status_of_reply(reply) == 400);
  CHECK(field_of(reply, "Connection") == "close");
  CHECK(reply.find("HTTP/1.1 ", 1) == std::string::npos);
  CHECK(served.logged().empty());
}

}  // namespace
}  // namespace sluice::testing

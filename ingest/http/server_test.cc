#include "ingest/http/server.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "ingest/http/echo_server.h"

using namespace sluice::http;

TEST_CASE("a connection is kept from request to request") {
  EchoServer echo;
  Client client(echo.port());
  for (int i = 0; i < 3; ++i) {
    REQUIRE(client.send(post("/a?b=c", "body" + std::to_string(i))));
    const std::string reply = client.reply();
    CHECK(status_of_reply(reply) == 200);
    CHECK(body_of(reply) == "POST /a b=c body" + std::to_string(i));
    CHECK(reply.find("Connection:") == std::string::npos);
    CHECK(reply.find("Content-Type: text/plain\r\n") != std::string::npos);
    CHECK(reply.find("X-Address: 127.0.0.1\r\n") != std::string::npos);
    CHECK(reply.find(" GMT\r\n") != std::string::npos);
  }
  CHECK(echo.server().open_connections() == 1);
}

TEST_CASE("a connection is closed where client, handler or version says so") {
  EchoServer echo;
  const auto [request, kept] = GENERATE(table<std::string, std::string>({
      {get("/a", "Connection: close\r\n"), "close"},
      {get("/close"), "close"},
      {"GET /a HTTP/1.0\r\n\r\n", "close"},
      {"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive"},
  }));
  Client client(echo.port());
  REQUIRE(client.send(request));
  const std::string reply = client.reply();
  CHECK(status_of_reply(reply) == 200);
  CHECK(reply.find("Connection: " + kept + "\r\n") != std::string::npos);
  if (kept == "close") {
    CHECK(client.rest().empty());
  } else {
    REQUIRE(client.send(get("/a")));
    CHECK(status_of_reply(client.reply()) == 200);
  }
}

TEST_CASE("pipelined requests are answered in order, also when the first takes longer") {
  EchoServer echo;
  Client client(echo.port());
  std::string requests = get("/0") + get("/later");
  constexpr int kMany = 2'000;
  for (int i = 0; i < kMany; ++i) requests += post("/" + std::to_string(i), "x");
  REQUIRE(client.send(requests));
  CHECK(body_of(client.reply()) == "GET /0  ");
  EchoServer::Later later = echo.take_later();
  CHECK(echo.handled() == 2);
  CHECK(client.quiet());
  later(Response{202, "", "late", {}, false});
  CHECK(body_of(client.reply()) == "late");
  for (int i = 0; i < kMany; ++i) {
    REQUIRE(body_of(client.reply()) == "POST /" + std::to_string(i) + "  x");
  }
}

TEST_CASE("requests are read however they are cut, and bodies however they are sent") {
  EchoServer echo;
  const auto [request, body] = GENERATE(table<std::string, std::string>({
      {post("/a", "hello"), "POST /a  hello"},
      {"\r\n" + post("/a", "hello"), "POST /a  hello"},
      {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
       "3\r\nhel\r\n2;x\r\nlo\r\n0\r\nT: v\r\n\r\n",
       "POST /a  hello"},
  }));
  Client client(echo.port());
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    // A reply in between makes the server have read the first part before the second comes.
    REQUIRE(client.send(get("/sync") + request.substr(0, cut)));
    REQUIRE(status_of_reply(client.reply()) == 200);
    REQUIRE(client.send(request.substr(cut)));
    REQUIRE(body_of(client.reply()) == body);
  }
}

TEST_CASE("a body is invited when it is wanted, and only then") {
  EchoServer echo;
  Client client(echo.port());
  const std::string expect = "Expect: 100-continue\r\n";
  SECTION("wanted") {
    const std::string request = post("/a", "hello", expect);
    REQUIRE(client.send(request.substr(0, request.size() - 5)));
    CHECK(client.reply() == "HTTP/1.1 100 Continue\r\n\r\n");
    REQUIRE(client.send("hello"));
    CHECK(body_of(client.reply()) == "POST /a  hello");
  }
  SECTION("chunked") {
    REQUIRE(client.send(get("/a", expect + "Transfer-Encoding: chunked\r\n")));
    CHECK(client.reply() == "HTTP/1.1 100 Continue\r\n\r\n");
    REQUIRE(client.send("0\r\n\r\n"));
    CHECK(status_of_reply(client.reply()) == 200);
  }
  SECTION("already here") {
    REQUIRE(client.send(post("/a", "hello", expect)));
    CHECK(status_of_reply(client.reply()) == 200);
  }
  SECTION("no body") {
    REQUIRE(client.send(get("/a", expect)));
    CHECK(status_of_reply(client.reply()) == 200);
  }
  SECTION("too large") {
    REQUIRE(client.send(get("/a", expect + "Content-Length: 99999999\r\n")));
    CHECK(status_of_reply(client.reply()) == 413);
    CHECK(client.rest().empty());
  }
  SECTION("refused") {
    REQUIRE(client.send(get("/a", "Expect: tea\r\nContent-Length: 1\r\n")));
    CHECK(status_of_reply(client.reply()) == 417);
    CHECK(client.rest().empty());
  }
  SECTION("HTTP/1.0") {
    REQUIRE(client.send("POST /a HTTP/1.0\r\nContent-Length: 5\r\n" + expect + "\r\n"));
    REQUIRE(client.send("hello"));
    CHECK(status_of_reply(client.reply()) == 200);
  }
}

TEST_CASE("HEAD is GET without the body, 204 without a length") {
  EchoServer echo;
  Client client(echo.port());
  REQUIRE(client.send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" + get("/none") + get("/b")));
  const std::string head = client.reply(false);
  CHECK(status_of_reply(head) == 200);
  CHECK(head.find("Content-Length: 8\r\n") != std::string::npos);
  const std::string none = client.reply();
  CHECK(status_of_reply(none) == 204);
  CHECK(none.find("Content-Length") == std::string::npos);
  CHECK(body_of(client.reply()) == "GET /b  ");
}

TEST_CASE("what is refused is told why, and its connection closed") {
  EchoServer echo(Limits{.max_body = 1000, .max_head = 500});
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const auto [request, status] = GENERATE_COPY(table<std::string, int>({
      {post("/a", std::string(1001, 'x')), 413},
      {get("/a", chunked + "\r\n3e9\r\n"), 413},
      {get("/a", "A: " + std::string(600, 'x') + "\r\n"), 431},
      {"GET /" + std::string(600, 'x'), 431},
      {get("/a", chunked + "\r\nzz\r\n"), 400},
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"\r\n\r\n", 400},
      {"GET / HTTP/3.0\r\n\r\n", 505},
      {get("/a", "Content-Length: 1\r\nContent-Length: 1\r\n") + "x", 400},
  }));
  CAPTURE(request);
  Client client(echo.port());
  REQUIRE(client.send(request + get("/smuggled")));
  const std::string reply = client.reply();
  CHECK(status_of_reply(reply) == status);
  CHECK(reply.find("Connection: close\r\n") != std::string::npos);
  CHECK(!body_of(reply).empty());
  CHECK(client.rest().empty());
  CHECK(echo.handled() == 0);
}

TEST_CASE("a client that goes on sending a body too large still reads why it is refused") {
  constexpr std::size_t kMaxBody = 64 * 1024 * 1024;
  EchoServer echo(Limits{.max_body = kMaxBody});
  Client client(echo.port());
  REQUIRE(client.send(get("/a", "Content-Length: " + std::to_string(kMaxBody + 1) + "\r\n")));
  // More than the kernel would hold for a server that does not read.
  REQUIRE(client.send(std::string(kMaxBody / 2, 'x')));
  CHECK(status_of_reply(client.reply()) == 413);
  CHECK(echo.handled() == 0);
}

TEST_CASE("the largest head and the largest body are taken") {
  EchoServer echo(Limits{.max_body = 100'000, .max_head = 500});
  Client client(echo.port());
  const std::string bare = get("/a", "A: \r\n");
  REQUIRE(client.send(get("/a", "A: " + std::string(500 - bare.size(), 'x') + "\r\n")));
  CHECK(status_of_reply(client.reply()) == 200);
  REQUIRE(client.send(post("/a", std::string(100'000, 'x'))));
  CHECK(body_of(client.reply()).size() == 100'000 + 9);
}

TEST_CASE("answers come from any thread, late, to nobody, or by nobody") {
  auto echo = std::make_unique<EchoServer>();
  SECTION("to a client that vanished") {
    auto client = std::make_unique<Client>(echo->port());
    REQUIRE(client->send(get("/later")));
    EchoServer::Later later = echo->take_later();
    client->vanish();
    later(Response{});
    Client other(echo->port());
    REQUIRE(other.send(get("/a")));
    CHECK(status_of_reply(other.reply()) == 200);
  }
  SECTION("to a server that is gone") {
    Client client(echo->port());
    REQUIRE(client.send(get("/later")));
    EchoServer::Later later = echo->take_later();
    echo.reset();
    later(Response{});
    CHECK(client.rest().empty());
  }
  SECTION("by a handler that forgot") {
    Client client(echo->port());
    REQUIRE(client.send(get("/dropped") + get("/a")));
    CHECK(status_of_reply(client.reply()) == 500);
    CHECK(status_of_reply(client.reply()) == 200);
  }
  SECTION("to a client that said all it had to say") {
    Client client(echo->port());
    REQUIRE(client.send(get("/later")));
    client.finish_sending();
    echo->take_later()(Response{200, "", "still", {}, false});
    CHECK(body_of(client.reply()) == "still");
    CHECK(client.rest().empty());
  }
}

TEST_CASE("a field value cannot begin a line of its own") {
  EchoServer echo;
  Client client(echo.port());
  REQUIRE(client.send(get("/later")));
  echo.take_later()(Response{200, "", "", {{"X", "a\r\nY: b"}}, false});
  CHECK(client.reply().find("X: a  Y: b\r\n") != std::string::npos);
}

TEST_CASE("many connections at once are each answered") {
  EchoServer echo;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 500; ++i) clients.push_back(std::make_unique<Client>(echo.port()));
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      REQUIRE(clients[i]->send(post("/a", std::to_string(i))));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      REQUIRE(body_of(clients[i]->reply()) == "POST /a  " + std::to_string(i));
    }
  }
}

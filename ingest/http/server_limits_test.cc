#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ingest/http/echo_server.h"
#include "storage/base/errors.h"

using namespace sluice::http;
using namespace std::chrono_literals;

TEST_CASE("a request that is not whole in time is told so and has no effect") {
  EchoServer echo(Limits{.request_timeout = 200ms});
  const auto text =
      GENERATE(as<std::string>(), "G", "GET / HTTP/1.1\r\nHost: a\r\n",
               "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx",
               "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n");
  Client client(echo.port());
  REQUIRE(client.send(text));
  CHECK(status_of_reply(client.reply()) == 408);
  CHECK(client.rest().empty());
  CHECK(echo.handled() == 0);
}

TEST_CASE("a client that trickles does not move its deadline") {
  EchoServer echo(Limits{.request_timeout = 300ms});
  Client client(echo.port());
  REQUIRE(client.send("GET / HTTP/1.1\r\nA: "));
  // Another connection's replies pass the time; a byte now and then, always before the timeout.
  Client pace(echo.port());
  const auto begun = std::chrono::steady_clock::now();
  auto sent = begun;
  while (client.quiet()) {
    REQUIRE(pace.send(get("/a")));
    REQUIRE(status_of_reply(pace.reply()) == 200);
    const auto now = std::chrono::steady_clock::now();
    REQUIRE(now - begun < 10s);
    if (now - sent < 10ms) continue;
    sent = now;
    client.send_some("x");
  }
  CHECK(status_of_reply(client.reply()) == 408);
}

TEST_CASE("an idle connection is closed without a word") {
  EchoServer echo(Limits{.request_timeout = 200ms, .idle_timeout = 200ms});
  const auto first = GENERATE(as<std::string>(), "", "\r\n", get("/a"));
  Client client(echo.port());
  REQUIRE(client.send(first));
  if (first.size() > 2) CHECK(status_of_reply(client.reply()) == 200);
  CHECK(client.rest().empty());
}

TEST_CASE("a request in the hands of its handler has no deadline of ours") {
  EchoServer echo(Limits{.request_timeout = 100ms, .idle_timeout = 100ms, .write_timeout = 100ms});
  Client client(echo.port());
  REQUIRE(client.send(get("/later")));
  EchoServer::Later later = echo.take_later();
  Client idle(echo.port());
  CHECK(idle.rest().empty());
  later(Response{200, "", "done", {}, false});
  CHECK(body_of(client.reply()) == "done");
}

TEST_CASE("a request cut short has no effect") {
  EchoServer echo;
  const auto text = GENERATE(as<std::string>(), "GET /a HTTP/1.1\r\nHost: a\r\n\r",
                             "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx",
                             "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "1\r\nx\r\n0\r\n");
  Client client(echo.port());
  REQUIRE(client.send(text));
  client.finish_sending();
  CHECK(client.rest().empty());
  CHECK(echo.handled() == 0);
}

TEST_CASE("a slow reader is waited for, and one that does not read is left") {
  SECTION("slow") {
    EchoServer echo;
    Client client(echo.port(), 4096);
    REQUIRE(client.send(get("/big") + get("/a")));
    CHECK(client.reply().size() > kBigReply);
    CHECK(body_of(client.reply()) == "GET /a  ");
  }
  SECTION("not reading") {
    EchoServer echo(Limits{.write_timeout = 200ms});
    Client client(echo.port(), 4096);
    Client pace(echo.port());
    // However much the kernel takes for this client, there is a reply of which it takes no more.
    std::string unsent;
    std::size_t paced = 0;
    const auto begun = std::chrono::steady_clock::now();
    do {
      if (unsent.empty()) unsent = get("/big");
      unsent.erase(0, client.send_some(unsent));
      // Accepted after the client: from the first reply on, the client is counted until it is left.
      REQUIRE(pace.send(get("/a")));
      REQUIRE(status_of_reply(pace.reply()) == 200);
      ++paced;
      REQUIRE(std::chrono::steady_clock::now() - begun < Client::kPatience);
    } while (echo.server().open_connections() > 1);
    const std::size_t answered = echo.handled() - paced;
    REQUIRE(answered > 0);
    CHECK(client.rest().size() < answered * kBigReply);
  }
}

TEST_CASE("while a reply is out, what else the client sends stays with the kernel") {
  EchoServer echo({}, 1);
  const auto first = GENERATE(as<std::string>(), "/big", "/later");
  Client client(echo.port(), 4096);
  Client pace(echo.port());
  REQUIRE(client.send(get(first)));
  std::size_t sent = 0;
  std::size_t sent_before = 1;
  // Nothing more is taken, though the server's one thread has been round once more.
  while (sent != sent_before) {
    sent_before = sent;
    while (const std::size_t more = client.send_some(std::string(1'000'000, 'x'))) sent += more;
    REQUIRE(pace.send(get("/a")));
    REQUIRE(status_of_reply(pace.reply()) == 200);
    REQUIRE(sent < 64'000'000);
  }
  CHECK(client.quiet() == (first == "/later"));
}

TEST_CASE("one connection too many is told so") {
  EchoServer echo(Limits{.max_connections = 2});
  Client first(echo.port());
  Client second(echo.port());
  REQUIRE(first.send(get("/a")));
  REQUIRE(second.send(get("/a")));
  CHECK(status_of_reply(first.reply()) == 200);
  CHECK(status_of_reply(second.reply()) == 200);
  Client third(echo.port());
  REQUIRE(third.send(get("/a")));
  CHECK(status_of_reply(third.reply()) == 503);
  CHECK(third.rest().empty());
  REQUIRE(first.send(get("/a")));
  CHECK(status_of_reply(first.reply()) == 200);
}

TEST_CASE("connections far beyond the limit are told so, too") {
  EchoServer echo(Limits{.max_connections = 2});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 40; ++i) {
    Client& client = *clients.emplace_back(std::make_unique<Client>(echo.port()));
    CHECK(client.send(get("/a")));
    CHECK(status_of_reply(client.reply()) == (i < 2 ? 200 : 503));
  }
}

TEST_CASE("large bodies have a limit together, which is given back") {
  EchoServer echo(Limits{.memory = 2'000'000});
  const std::string large(700'000, 'x');
  Client first(echo.port());
  REQUIRE(first.send(post("/later", large)));
  EchoServer::Later later = echo.take_later();
  Client second(echo.port());
  REQUIRE(second.send(post("/a", large)));
  CHECK(status_of_reply(second.reply()) == 503);
  later(Response{});
  CHECK(status_of_reply(first.reply()) == 200);
  Client third(echo.port());
  REQUIRE(third.send(post("/a", large)));
  CHECK(status_of_reply(third.reply()) == 200);
}

TEST_CASE("drained, a server finishes what was begun and takes no more") {
  EchoServer echo({}, 2);
  // Connections go to the threads in turn: one that idles on each tells when that thread drains.
  Client idle[] = {Client(echo.port()), Client(echo.port())};
  Client busy(echo.port());
  Client begun(echo.port());
  for (Client& each : idle) {
    REQUIRE(each.send(get("/a")));
    REQUIRE(status_of_reply(each.reply()) == 200);
  }
  REQUIRE(begun.send(get("/a") + "GET /b HTTP/1.1\r\n"));
  REQUIRE(status_of_reply(begun.reply()) == 200);
  REQUIRE(busy.send(get("/later") + get("/not-begun")));
  EchoServer::Later later = echo.take_later();

  auto drained = std::async(std::launch::async, [&] { return echo.server().drain(20s); });
  for (Client& each : idle) CHECK(each.rest().empty());
  CHECK_THROWS(Client(echo.port()));
  REQUIRE(begun.send("Host: a\r\n\r\n"));
  CHECK(begun.reply().find("Connection: close\r\n") != std::string::npos);
  CHECK(begun.rest().empty());
  later(Response{200, "", "done", {}, false});
  const std::string reply = busy.reply();
  CHECK(body_of(reply) == "done");
  CHECK(reply.find("Connection: close\r\n") != std::string::npos);
  CHECK(busy.rest().empty());
  busy.vanish();
  begun.vanish();
  CHECK(drained.get());
  CHECK(echo.handled() == 5);
}

TEST_CASE("a drain that takes too long says so, and stop ends it") {
  EchoServer echo;
  Client client(echo.port());
  REQUIRE(client.send(get("/later")));
  EchoServer::Later later = echo.take_later();
  CHECK(!echo.server().drain(50ms));
  echo.server().stop();
  CHECK(echo.server().open_connections() == 0);
  later(Response{});
}

TEST_CASE("an address that cannot be had is the operator's to change") {
  EchoServer echo;
  const auto serve = [](const std::string& address, std::uint16_t port) {
    Server({}, address, port, 1, {}, {});
  };
  CHECK_THROWS_AS(serve("127.0.0.1", echo.port()), sluice::Misconfigured);
  CHECK_THROWS_AS(serve("nonsense", 0), sluice::Misconfigured);
}

TEST_CASE("mutated requests neither crash nor hang the server") {
  EchoServer echo(Limits{.request_timeout = 200ms, .linger_timeout = 200ms});
  rc::check([&] {
    std::string text = get("/a", "A: b\r\n") + post("/b", "hello") +
                       get("/c", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n";
    const auto edits = *rc::gen::container<std::vector<std::pair<std::size_t, char>>>(
        rc::gen::pair(rc::gen::inRange<std::size_t>(0, text.size()), rc::gen::arbitrary<char>()));
    for (const auto& [at, c] : edits) text[at] = c;
    Client client(echo.port());
    client.send(text);
    client.finish_sending();
    const std::string replies = client.rest();
    RC_ASSERT(replies.empty() || replies.starts_with("HTTP/1.1 "));
    Client other(echo.port());
    RC_ASSERT(other.send(get("/a")));
    RC_ASSERT(status_of_reply(other.reply()) == 200);
  });
}

// What a server holds, and what it does when there is no more: of memory, and of descriptors.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "ingest/http/echo_server.h"
#include "tests/support/gzip.h"

using namespace sluice::http;
using namespace std::chrono_literals;
using sluice::testing::gzip;

namespace {

constexpr std::string_view kGzip = "Content-Encoding: gzip\r\n";

// In chunks of a few bytes.
std::string chunked(std::string_view body, std::string_view fields) {
  std::string text = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" +
                     std::string(fields) + "\r\n";
  for (std::size_t at = 0; at < body.size(); at += 5) {
    const std::string_view piece = body.substr(at, 5);
    text += std::to_string(piece.size()) + "\r\n" + std::string(piece) + "\r\n";
  }
  return text + "0\r\n\r\n";
}

int status_of(const EchoServer& echo, const std::string& request) {
  Client client(echo.port());
  client.send(request);
  return status_of_reply(client.reply());
}

// What the ledger says once the server has seen its clients go.
bool holds_at_most(EchoServer& echo, std::size_t bytes) {
  const auto end = std::chrono::steady_clock::now() + Client::kPatience;
  while (echo.server().memory_held() > bytes) {
    if (std::chrono::steady_clock::now() > end) return false;
  }
  return true;
}

// The process can open `more` descriptors and no others, until this ends.
class FewDescriptors {
 public:
  explicit FewDescriptors(unsigned more) {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    // Numbers below the highest may be free: they are taken first.
    for (int last = -1;;) {
      const int taken = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      REQUIRE(taken >= 0);
      taken_.push_back(taken);
      if (last >= 0 && taken == last + 1) break;
      last = taken;
    }
    rlimit now = before_;
    now.rlim_cur = static_cast<rlim_t>(taken_.back()) + 1 + more;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &now) == 0);
  }
  ~FewDescriptors() {
    setrlimit(RLIMIT_NOFILE, &before_);
    for (const int taken : taken_) ::close(taken);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

}  // namespace

TEST_CASE("a gzip body is the body that it unpacks to") {
  EchoServer echo(Limits{.max_body = 100'000});
  const std::string text(50'000, 'x');
  const std::string packed = gzip(text);
  for (const std::string& request :
       {post("/a", packed, kGzip), chunked(packed, kGzip), post("/a", text),
        post("/a", text, "Content-Encoding: identity\r\n"), chunked(text, "")}) {
    Client client(echo.port());
    REQUIRE(client.send(request));
    const std::string reply = client.reply();
    CHECK(status_of_reply(reply) == 200);
    CHECK(body_of(reply) == "POST /a  " + text);
    // The next one on this connection is not packed.
    REQUIRE(client.send(post("/b", "plain")));
    CHECK(body_of(client.reply()) == "POST /b  plain");
  }
  CHECK(status_of(echo, post("/a", "", kGzip)) == 200);  // no body, nothing to unpack
}

TEST_CASE("what a body unpacks to has the body's limit, and what is no gzip is not read as plain") {
  EchoServer echo(Limits{.max_body = 100'000});
  const std::string bomb = gzip(std::string(50'000'000, '\0'));
  REQUIRE(bomb.size() < 100'000);
  CHECK(status_of(echo, post("/a", bomb, kGzip)) == 413);
  CHECK(status_of(echo, chunked(bomb, kGzip)) == 413);
  CHECK(status_of(echo, post("/a", gzip(std::string(100'000, 'x')), kGzip)) == 200);
  CHECK(status_of(echo, post("/a", "plain", kGzip)) == 400);
  const std::string packed = gzip("text");
  CHECK(status_of(echo, post("/a", packed.substr(0, packed.size() - 1), kGzip)) == 400);
  CHECK(status_of(echo, chunked(packed.substr(0, packed.size() - 1), kGzip)) == 400);
  CHECK(status_of(echo, post("/a", packed, "Content-Encoding: br\r\n")) == 415);
  CHECK(status_of(echo, chunked(packed, "Content-Encoding: gzip, gzip\r\n")) == 415);
  // Without a body a coding says nothing.
  CHECK(status_of(echo, get("/a", "Content-Encoding: br\r\n")) == 200);
  CHECK(holds_at_most(echo, 0));
}

TEST_CASE("heads that are not whole are counted, refused beyond the bound, and given back") {
  EchoServer echo(Limits{.memory = 256 * 1024});
  const std::string part = "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(20'000, 'x');
  std::vector<std::unique_ptr<Client>> clients;
  bool refused = false;
  for (int i = 0; i < 20 && !refused; ++i) {
    clients.push_back(std::make_unique<Client>(echo.port()));
    REQUIRE(clients.back()->send(part));
    // This one is answered when all before it were read, being on the same two threads.
    Client pace(echo.port());
    REQUIRE(pace.send(get("/a")));
    refused = status_of_reply(pace.reply()) == 503 || !clients.back()->quiet();
  }
  CHECK(refused);
  CHECK(clients.size() > 4);
  clients.clear();
  CHECK(holds_at_most(echo, 0));
  CHECK(status_of(echo, get("/a")) == 200);
}

TEST_CASE("a large body that comes slowly shuts out other large ones, and no small ones") {
  EchoServer echo(Limits{.memory = 2'000'000});
  Client slow(echo.port());
  REQUIRE(slow.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 700000\r\n\r\n"));
  const std::string large(700'000, 'x');
  const auto end = std::chrono::steady_clock::now() + Client::kPatience;
  while (status_of(echo, post("/a", large)) != 503) {
    REQUIRE(std::chrono::steady_clock::now() < end);  // until the slow one's head has been read
  }
  for (int i = 0; i < 10; ++i) CHECK(status_of(echo, post("/a", "small")) == 200);
  REQUIRE(slow.send(large));
  CHECK(status_of_reply(slow.reply()) == 200);
  slow.vanish();
  CHECK(holds_at_most(echo, 0));
  CHECK(status_of(echo, post("/a", large)) == 200);
}

TEST_CASE("of large bodies that come side by side in chunks one gets through") {
  EchoServer echo(Limits{.memory = 2'000'000});
  const std::string large(700'000, 'x');
  const std::string begun = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Client>(echo.port()));
    REQUIRE(clients.back()->send(begun + "30d40\r\n" + large.substr(0, 200'000) + "\r\n"));
  }
  for (auto& client : clients) {
    client->send("7a120\r\n" + large.substr(0, 500'000) + "\r\n0\r\n\r\n");
  }
  int through = 0;
  for (auto& client : clients) {
    const int status = status_of_reply(client->reply());
    CHECK((status == 200 || status == 503));
    through += status == 200 ? 1 : 0;
  }
  CHECK(through >= 1);
  clients.clear();
  CHECK(holds_at_most(echo, 0));
}

TEST_CASE("a reply that its client does not take is counted, and given back when it goes") {
  EchoServer echo(Limits{.memory = 2'000'000});
  Client slow(echo.port(), 4096);
  REQUIRE(slow.send(get("/big")));
  const auto end = std::chrono::steady_clock::now() + Client::kPatience;
  while (status_of(echo, post("/a", "small")) != 503) {
    REQUIRE(std::chrono::steady_clock::now() < end);
  }
  CHECK(echo.server().memory_held() > 2'000'000);
  slow.vanish();
  CHECK(holds_at_most(echo, 0));
  CHECK(status_of(echo, post("/a", "small")) == 200);
}

TEST_CASE("what is sent behind a request is dropped where there is no memory for it") {
  EchoServer echo(Limits{.memory = 48 * 1024}, 1);
  Client client(echo.port());
  REQUIRE(client.send(get("/later") + post("/never", std::string(60'000, 'x'))));
  EchoServer::Later later = echo.take_later();
  later(Response{200, "", "done", {}, false});
  const std::string reply = client.reply();
  CHECK(body_of(reply) == "done");
  // Where the kernel had kept it until then it is refused by itself.
  const std::string rest = client.rest();
  const bool closed = reply.find("Connection: close\r\n") != std::string::npos;
  CHECK((closed ? rest.empty() : status_of_reply(rest) == 503));
  CHECK(echo.handled() == 1);
}

TEST_CASE("out of descriptors a client is answered at once, and served when there are some again") {
  EchoServer echo;
  Client before(echo.port());
  REQUIRE(before.send(get("/a")));
  REQUIRE(status_of_reply(before.reply()) == 200);
  {
    const FewDescriptors few(1);
    for (int i = 0; i < 3; ++i) {
      Client client(echo.port());  // takes the only one
      REQUIRE(client.send(get("/a")));
      CHECK(status_of_reply(client.reply()) == 503);
      CHECK(client.rest().empty());
    }
    REQUIRE(before.send(get("/a")));
    CHECK(status_of_reply(before.reply()) == 200);
  }
  CHECK(status_of(echo, get("/a")) == 200);
}

TEST_CASE("a server takes no more connections than leave descriptors for the rest of the process") {
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  rlimit few = limit;
  few.rlim_cur = 64;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto echo = std::make_unique<EchoServer>();
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  std::vector<std::unique_ptr<Client>> clients;
  int served = 0;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<Client>(echo->port()));
    clients.back()->send(get("/a"));
    served += status_of_reply(clients.back()->reply()) == 200 ? 1 : 0;
  }
  CHECK(served == 32);
}

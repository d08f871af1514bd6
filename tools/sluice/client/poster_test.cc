#include "tools/sluice/client/poster.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <catch2/catch.hpp>
#include <thread>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;

struct Answer {
  int status;  // 0: read the request, then cut the connection
  std::string body;
  std::string retry_after = {};
};

// A server on a free port that gives one answer a request, in the order told, and keeps what it was
// sent.
class Server {
 public:
  explicit Server(std::vector<Answer> answers) : answers_(std::move(answers)) {
    thread_ = std::jthread([this] { serve(); });
  }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  // What was posted; only when every answer was given.
  const std::vector<std::string>& requests() {
    thread_.join();
    return requests_;
  }

 private:
  void serve() {
    std::size_t given = 0;
    while (given < answers_.size()) {
      boost::beast::tcp_stream stream(acceptor_.accept());
      boost::beast::flat_buffer buffer;
      while (given < answers_.size()) {
        http::request<http::string_body> request;
        boost::beast::error_code error;
        http::read(stream, buffer, request, error);
        if (error) break;
        requests_.push_back(std::string(request.target()) + " " + request.body());
        const Answer& answer = answers_[given++];
        if (answer.status == 0) break;
        http::response<http::string_body> reply{static_cast<http::status>(answer.status), 11,
                                                answer.body};
        if (!answer.retry_after.empty()) reply.set(http::field::retry_after, answer.retry_after);
        reply.prepare_payload();
        http::write(stream, reply);
      }
    }
  }

  std::vector<Answer> answers_;
  std::vector<std::string> requests_;
  boost::asio::io_context context_;
  tcp::acceptor acceptor_{context_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::jthread thread_;
};

const std::string kTaken = R"({"accepted":1,"token":"d:0@5","ids":["a"]})";

}  // namespace

TEST_CASE("a batch is sent again, the same, until the server takes it") {
  Server server({{503, "", "0"}, {0, ""}, {429, "{}"}, {202, kTaken}});
  HttpClient client(server.url(), "", 5s);
  Poster poster(client, "d", 30s);
  poster.add(R"({"id":"a"})", "line 1");
  poster.flush();
  CHECK(poster.accepted() == 1);
  CHECK(poster.token() == "d:0@5");
  const auto& requests = server.requests();
  REQUIRE(requests.size() == 4);
  for (const std::string& request : requests) CHECK(request == "/v1/d/events {\"id\":\"a\"}\n");
}

TEST_CASE("batches are cut by number and their tokens joined") {
  Server server({{202, R"({"accepted":2,"token":"d:0@5"})"},
                 {202, R"({"accepted":1,"token":"d:0@4,d:1@1"})"}});
  HttpClient client(server.url(), "", 5s);
  Poster poster(client, "d", 30s);
  poster.batch(2);
  for (const char* event : {"{1}", "{2}", "{3}"}) poster.add(event, "line");
  poster.flush();
  poster.flush();
  CHECK(poster.accepted() == 3);
  CHECK(poster.token() == "d:0@5,d:1@1");
  CHECK(server.requests() ==
        std::vector<std::string>{"/v1/d/events {1}\n{2}\n", "/v1/d/events {3}\n"});
}

TEST_CASE("a refusal names the lines, and is not tried again") {
  Server server(
      {{422,
        R"({"title":"invalid","errors":[{"index":1,"field":"data.choice","reason":"is required"}]})"}});
  HttpClient client(server.url(), "", 5s);
  Poster poster(client, "d", 30s);
  poster.add("{1}", "line 1");
  poster.add("{2}", "line 3");
  CHECK_THROWS_WITH(poster.flush(), Catch::Contains("line 3: data.choice is required"));
  CHECK(server.requests().size() == 1);
}

TEST_CASE("what is not the events' fault is no refusal of them") {
  Server server({{404, R"({"title":"Not Found","detail":"there is no domain d"})"}, {413, "{}"}});
  HttpClient client(server.url(), "", 5s);
  Poster wrong_place(client, "d", 30s);
  wrong_place.add("{1}", "line 1");
  try {
    wrong_place.flush();
    FAIL("it was taken");
  } catch (const Refused&) {
    FAIL("no event is at fault");
  } catch (const Misconfigured& error) {
    CHECK_THAT(error.what(), Catch::Contains("there is no domain d"));
  }
  Poster too_large(client, "d", 30s);
  too_large.add("{1}", "line 1");
  CHECK_THROWS_AS(too_large.flush(), Refused);
}

TEST_CASE("a server that stays away is given up, saying what was taken before") {
  Server server(
      {{202, kTaken},
       {503, "", "0"},
       {503, R"({"title":"unavailable","detail":"no topic sluice.d: run sluice topics apply"})",
        "3600"}});
  HttpClient client(server.url(), "", 5s);
  Poster poster(client, "d", 10s);
  poster.add("{1}", "line 1");
  poster.flush();
  poster.add("{2}", "line 2");
  CHECK_THROWS_WITH(
      poster.flush(),
      Catch::Contains("503: unavailable: no topic sluice.d: run sluice topics apply,") &&
          Catch::Contains("accepted before: 1, token d:0@5"));
}

TEST_CASE("URLs of servers") {
  for (const char* good :
       {"http://127.0.0.1:8080", "http://h", "http://[::1]:80/", "http://h:1/base"}) {
    CHECK_NOTHROW(HttpClient(good, "", 1s));
  }
  for (const char* bad : {"", "h:80", "https://h", "http://", "http://h:x", "http://h:0",
                          "http://h:70000", "http://u@h"}) {
    INFO(bad);
    CHECK_THROWS_AS(HttpClient(bad, "", 1s), Misconfigured);
  }
}

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/http/memory_ledger.h"
#include "ingest/http/request_head.h"

namespace sluice::http {

struct Limits {
  std::size_t max_body = 16U << 20;
  std::size_t max_head = 32U << 10;
  // Over it: 503 and closed.
  std::size_t max_connections = 10'000;
  // What all connections together hold. Over it: 503 and closed.
  std::size_t memory = 512U << 20;
  // Whether the process has room for so many bytes more; empty: it has. Any thread.
  MemoryLedger::Room room{};
  // From the first byte of a request until it is whole; then 408.
  std::chrono::milliseconds request_timeout{30'000};
  // Without a request: closed without a word.
  std::chrono::milliseconds idle_timeout{75'000};
  // From when the kernel would take no more of a reply until all of it is taken.
  std::chrono::milliseconds write_timeout{30'000};
  // After the last reply, until the client closes: closing before it has read could take the
  // reply from it (RFC 9112, 9.6).
  std::chrono::milliseconds linger_timeout{2'000};
};

// Whole and valid. Owns everything.
struct Request {
  RequestHead head;
  std::string method;  // GET where the client said HEAD: the reply's body is then left out
  std::string path;    // as sent, not percent-decoded; never empty
  std::string query;   // as sent, without the question mark
  std::string body;
  std::string address;  // of the client, without its port
  // Of the body, and of as much again for what a handler makes of it. A handler that keeps the
  // body keeps this.
  MemoryShare memory;
};

// Date, Content-Length and Connection are added. Control characters in fields become spaces.
struct Response {
  int status = 200;
  std::string content_type;  // empty: none is sent
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;
  bool close = false;  // the connection, after this
};

class Loop;

// Answers one request, once, from any thread, at any time: if its connection is gone, even its
// server, the response is dropped. Destroyed without an answer it answers 500, so that no
// client waits for a bug.
class Responder {
 public:
  Responder(std::shared_ptr<Loop> loop, std::uint64_t connection, std::uint64_t request);
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&&) = delete;
  ~Responder();

  void operator()(Response&& response);

 private:
  std::shared_ptr<Loop> loop_;  // null once answered
  std::uint64_t connection_;
  std::uint64_t request_;
};

// Runs on a connection's thread, so it must not wait, and throws nothing. A request that is not
// moved from is gone when the handler returns, and lends its memory to the next one.
using Handler = std::function<void(Request&&, Responder)>;

// What is sent where no handler is asked (the request is malformed, too large, too slow) or none
// answered. Called from any thread.
using ErrorPage = std::function<Response(int status, std::string_view detail)>;

}  // namespace sluice::http

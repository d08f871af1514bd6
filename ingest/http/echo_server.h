#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <string>

#include "ingest/http/raw_client.h"
#include "ingest/http/server.h"
#include "storage/base/mutex.h"

namespace sluice::http {

inline constexpr std::size_t kBigReply = 32U << 20;

// Answers with what it was asked ("GET /path query body"), but /later when the test says so,
// /dropped never, and /big with kBigReply bytes.
class EchoServer {
 public:
  explicit EchoServer(Limits limits = {}, std::size_t threads = 2);
  ~EchoServer();

  std::uint16_t port() const { return server_.port(); }
  Server& server() { return server_; }
  std::size_t handled() const { return handled_.load(); }
  // A request to /later, which holds what it holds until it is answered.
  struct Later {
    Request request;
    Responder responder;
    void operator()(Response&& response) {
      request = Request();
      responder(std::move(response));
    }
  };
  // Waits for one.
  Later take_later();

 private:
  void handle(Request&& request, Responder responder);

  Mutex mutex_;
  ConditionVariable arrived_;
  std::deque<Later> later_ SLUICE_GUARDED_BY(mutex_);
  std::atomic<std::size_t> handled_{0};
  Server server_;
};

std::string get(std::string_view path, std::string_view fields = "");
std::string post(std::string_view path, std::string_view body, std::string_view fields = "");

}  // namespace sluice::http

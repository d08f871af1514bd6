#pragma once

// A client of one HTTP server, over one kept connection. Used by one thread.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct HttpReply {
  int status = 0;
  std::string body;
  // What the server asked for with Retry-After in seconds.
  std::optional<std::chrono::seconds> retry_after;
};

struct HttpRequest {
  std::string_view method = "GET";
  std::string_view path = "/";  // below the path of the URL
  std::string_view content_type;
  std::string_view body;
};

class HttpClient {
 public:
  // `url` is http://HOST[:PORT][/PATH]; Misconfigured when it is not. `api_key` is sent as a bearer
  // token when not empty. Does not connect yet.
  HttpClient(std::string_view url, std::string api_key, std::chrono::milliseconds timeout);
  ~HttpClient();

  // Connects where needed, sends, and waits for the whole reply. Retryable: there was none
  // (refused, cut, too slow); whether the server has acted is then unknown.
  HttpReply send(const HttpRequest& request);

 private:
  struct Connection;
  std::string host_;
  std::string port_;
  std::string path_;
  std::string api_key_;
  std::chrono::milliseconds timeout_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace sluice

#include "tools/sluice/client/http_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>

#include "storage/base/errors.h"

namespace sluice {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

// Replies list up to 10,000 ids and 1,000 faults.
constexpr std::size_t kMostReplyBytes = 64 << 20;

}  // namespace

// Beast keeps timeouts only for asynchronous operations, so each one is started and run to its end.
struct HttpClient::Connection {
  asio::io_context context{1};
  beast::tcp_stream stream{context};
  beast::flat_buffer buffer;

  template <class Start>
  beast::error_code run(std::chrono::milliseconds timeout, Start start) {
    beast::error_code result;
    stream.expires_after(timeout);
    start([&result](beast::error_code error, auto&&...) { result = error; });
    context.restart();
    context.run();
    return result;
  }
};

HttpClient::HttpClient(std::string_view url, std::string api_key, std::chrono::milliseconds timeout)
    : api_key_(std::move(api_key)), timeout_(timeout) {
  constexpr std::string_view kScheme = "http://";
  // What stands before an "@" may hold a password.
  const auto at = url.rfind('@');
  const std::string whole(at == std::string_view::npos ? url : url.substr(at));
  const auto wrong = [&] {
    return Misconfigured(
        "\"" + whole + "\" is no URL of a server: give http://HOST:PORT, as `sluice up` prints it");
  };
  if (!url.starts_with(kScheme)) throw wrong();
  url.remove_prefix(kScheme.size());
  const auto slash = std::min(url.find('/'), url.size());
  path_ = url.substr(slash);
  while (path_.ends_with('/')) path_.pop_back();
  std::string_view authority = url.substr(0, slash);
  // An IPv6 address stands in brackets, which the resolver does not want.
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  host_ = authority.substr(0, std::min(colon, authority.size()));
  port_ = colon == std::string_view::npos ? "80" : authority.substr(colon + 1);
  if (host_.starts_with('[') && host_.ends_with(']')) host_ = host_.substr(1, host_.size() - 2);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port_.data(), port_.data() + port_.size(), number);
  const bool port_ok =
      error == std::errc{} && end == port_.data() + port_.size() && number > 0 && number < 65536;
  if (host_.empty() || !port_ok || host_.find_first_of("@ ") != std::string::npos) throw wrong();
}

HttpClient::~HttpClient() = default;

HttpReply HttpClient::send(const HttpRequest& request) {
  const std::string where = host_ + ":" + port_;
  const auto check = [&](beast::error_code error, const char* doing) {
    if (!error) return;
    connection_.reset();
    throw Retryable(std::string(doing) + " " + where + ": " + error.message());
  };

  if (!connection_) {
    auto fresh = std::make_unique<Connection>();
    beast::error_code error;
    const auto found = asio::ip::tcp::resolver(fresh->context).resolve(host_, port_, error);
    check(error, "cannot resolve");
    connection_ = std::move(fresh);
    check(connection_->run(timeout_,
                           [&](auto done) { connection_->stream.async_connect(found, done); }),
          "cannot connect to");
    connection_->stream.socket().set_option(asio::ip::tcp::no_delay(true), error);
  }

  http::request<http::span_body<const char>> message;
  message.method_string(request.method);
  message.target(path_ + std::string(request.path));
  message.version(11);
  message.set(http::field::host, where);
  message.set(http::field::user_agent, "sluice");
  if (!request.content_type.empty()) message.set(http::field::content_type, request.content_type);
  if (!api_key_.empty()) message.set(http::field::authorization, "Bearer " + api_key_);
  message.body() = {request.body.data(), request.body.size()};
  message.prepare_payload();

  http::response_parser<http::string_body> parser;
  parser.body_limit(kMostReplyBytes);
  check(connection_->run(timeout_,
                         [&](auto done) { http::async_write(connection_->stream, message, done); }),
        "cannot send to");
  check(connection_->run(timeout_,
                         [&](auto done) {
                           http::async_read(connection_->stream, connection_->buffer, parser, done);
                         }),
        "no reply from");

  HttpReply reply{static_cast<int>(parser.get().result_int()), std::move(parser.get().body()),
                  std::nullopt};
  const auto after = parser.get()[http::field::retry_after];
  int seconds = 0;
  if (std::from_chars(after.data(), after.data() + after.size(), seconds).ec == std::errc{} &&
      seconds >= 0) {
    reply.retry_after = std::chrono::seconds(seconds);
  }
  if (!parser.get().keep_alive()) connection_.reset();
  return reply;
}

}  // namespace sluice

#include "ingest/http/echo_server.h"

#include <stdexcept>

namespace sluice::http {

EchoServer::EchoServer(Limits limits, std::size_t threads)
    : server_(
          limits, "127.0.0.1", 0, threads,
          [this](Request&& request, Responder responder) {
            handle(std::move(request), std::move(responder));
          },
          [](int status, std::string_view detail) {
            return Response{status, "text/plain", std::string(detail), {}, false};
          }) {
  server_.start();
}

EchoServer::~EchoServer() { server_.stop(); }

void EchoServer::handle(Request&& request, Responder responder) {
  ++handled_;
  if (request.path == "/dropped") return;
  if (request.path == "/later") {
    const MutexLock lock(mutex_);
    later_.push_back({std::move(request), std::move(responder)});
    arrived_.notify_all();
    return;
  }
  Response response{200, "text/plain", {}, {{"X-Address", request.address}}, false};
  if (request.path == "/big") {
    response.body.assign(kBigReply, 'b');
  } else {
    response.body = request.method + " " + request.path + " " + request.query + " " + request.body;
  }
  if (request.path == "/none") response.status = 204;
  response.close = request.path == "/close";
  responder(std::move(response));
}

EchoServer::Later EchoServer::take_later() {
  MutexLock lock(mutex_);
  if (!arrived_.wait_for(lock, Client::kPatience,
                         [this]() SLUICE_REQUIRES(mutex_) { return !later_.empty(); })) {
    throw std::runtime_error("no request to /later came");
  }
  Later first = std::move(later_.front());
  later_.pop_front();
  return first;
}

std::string get(std::string_view path, std::string_view fields) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

std::string post(std::string_view path, std::string_view body, std::string_view fields) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace sluice::http

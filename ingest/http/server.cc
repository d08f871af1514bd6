#include "ingest/http/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <ctime>
#include <string_view>
#include <vector>

#include "ingest/http/descriptor_reserve.h"
#include "ingest/http/loop.h"
#include "ingest/http/reply.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"

namespace sluice::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// Over max_connections, connections that are read before they are refused. They have descriptors,
// too: the clients past them are answered unread, and closed.
std::size_t refused_at_once(std::size_t max_connections) {
  return std::clamp<std::size_t>(max_connections / 4, 16, 256);
}
// So many clients that found no descriptor are answered before others have their turn.
constexpr int kAnsweredAtOnce = 64;

// Of the process's descriptors some are for files, logs and databases.
std::size_t with_descriptors(std::size_t connections) {
  constexpr std::size_t kForOthers = 512;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return connections;
  const auto all = static_cast<std::size_t>(limit.rlim_cur);
  return std::min(connections, all > 2 * kForOthers ? all - kForOthers : all / 2);
}

bool is_out_of_descriptors(const error_code& error) {
  return error == asio::error::no_descriptors ||
         error == boost::system::errc::too_many_files_open_in_system;
}

// What the kernel takes at once, and what it has read: closing over unread bytes would take the
// reply from the client.
void answer_at_once(tcp::socket& socket, std::string_view reply) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(reply), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  std::array<char, 4096> unread;
  socket.read_some(asio::buffer(unread), ignored);
}

tcp::acceptor listen(asio::io_context& context, const std::string& address, std::uint16_t port) {
  try {
    return tcp::acceptor(context, {asio::ip::make_address(address), port});
  } catch (const boost::system::system_error& error) {
    throw Misconfigured("cannot listen on " + address + ":" + std::to_string(port) + ": " +
                        error.code().message() + "; give --listen another address or port");
  }
}

}  // namespace

struct Server::Parts {
  Parts(Limits limits, Handler handler, ErrorPage error_page)
      : service(std::make_shared<Service>()) {
    service->limits = limits;
    service->limits.max_connections = with_descriptors(limits.max_connections);
    service->memory = std::make_shared<MemoryLedger>(limits.memory, limits.room);
    service->handler = std::move(handler);
    service->error_page = std::move(error_page);
  }

  void accept();
  void accept_later();
  void answer_without_descriptor();
  [[nodiscard]] std::string refusal(std::string_view detail) const;
  void deal(tcp::socket socket, Loop& loop);
  void close_acceptor();

  std::shared_ptr<Service> service;
  std::vector<std::shared_ptr<Loop>> loops;
  std::size_t next = 0;
  // Both on the first loop.
  std::unique_ptr<tcp::acceptor> acceptor;
  std::unique_ptr<asio::steady_timer> retry;
  DescriptorReserve reserve;
  std::uint16_t port = 0;
  bool stopped = false;
};

void Server::Parts::accept() {
  Loop& loop = *loops[next++ % loops.size()];
  acceptor->async_accept(loop.context(), [this, &loop](error_code error, tcp::socket socket) {
    if (!acceptor->is_open()) return;
    if (is_out_of_descriptors(error)) answer_without_descriptor();
    if (error) return accept_later();
    deal(std::move(socket), loop);
    accept();
  });
}

// Out of descriptors, most likely: trying again at once would only burn this thread.
void Server::Parts::accept_later() {
  retry->expires_after(Loop::kTick);
  retry->async_wait([this](error_code) {
    if (acceptor->is_open()) accept();
  });
}

// A client that is left in the backlog would wait in silence until a descriptor is free.
void Server::Parts::answer_without_descriptor() {
  const std::string reply = refusal("This process is out of file descriptors.");
  int answered = 0;
  reserve.lend([&] {
    error_code error;
    tcp::socket socket = acceptor->accept(error);
    if (error) return false;
    answer_at_once(socket, reply);
    return ++answered < kAnsweredAtOnce;
  });
  reserve.report(answered);
}

std::string Server::Parts::refusal(std::string_view detail) const {
  std::string reply;
  append_reply(reply, service->error_page(503, detail), {.keep_alive = false},
               http_date(std::time(nullptr)));
  return reply;
}

void Server::Parts::deal(tcp::socket socket, Loop& loop) {
  const std::size_t most = service->limits.max_connections;
  const std::size_t open = service->open_connections.load();
  if (open >= most + refused_at_once(most)) {
    return answer_at_once(socket, refusal(kTooManyConnections));
  }
  ++service->open_connections;
  loop.adopt(std::move(socket), open >= most);
}

void Server::Parts::close_acceptor() {
  asio::post(loops.front()->context(), [this] {
    error_code ignored;
    acceptor->close(ignored);
    retry->cancel();
  });
}

Server::Server(Limits limits, const std::string& address, std::uint16_t port, std::size_t threads,
               Handler handler, ErrorPage error_page)
    : parts_(std::make_unique<Parts>(limits, std::move(handler), std::move(error_page))) {
  CHECK(threads > 0, "configuration has bounds");
  for (std::size_t i = 0; i < threads; ++i) {
    parts_->loops.push_back(std::make_shared<Loop>(parts_->service));
  }
  asio::io_context& first = parts_->loops.front()->context();
  parts_->acceptor = std::make_unique<tcp::acceptor>(listen(first, address, port));
  // For answer_without_descriptor(), which takes what waits and not what comes.
  parts_->acceptor->non_blocking(true);
  parts_->retry = std::make_unique<asio::steady_timer>(first);
  parts_->port = parts_->acceptor->local_endpoint().port();
}

Server::~Server() { stop(); }

std::uint16_t Server::port() const { return parts_->port; }

std::size_t Server::memory_held() const { return parts_->service->memory->held(); }

std::size_t Server::open_connections() const { return parts_->service->open_connections.load(); }

void Server::start() {
  asio::post(parts_->loops.front()->context(), [parts = parts_.get()] { parts->accept(); });
  for (const auto& loop : parts_->loops) loop->start();
}

bool Server::drain(std::chrono::milliseconds patience) {
  parts_->close_acceptor();
  for (const auto& loop : parts_->loops) loop->drain();
  Service& service = *parts_->service;
  MutexLock lock(service.mutex);
  return service.all_closed.wait_for(lock, patience,
                                     [&] { return service.open_connections.load() == 0; });
}

void Server::stop() {
  if (parts_->stopped) return;
  parts_->stopped = true;
  parts_->close_acceptor();
  for (const auto& loop : parts_->loops) loop->stop();
}

}  // namespace sluice::http

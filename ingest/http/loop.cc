#include "ingest/http/loop.h"

#include <boost/asio/post.hpp>
#include <vector>

#include "ingest/http/connection.h"
#include "ingest/http/reply.h"

namespace sluice::http {

namespace asio = boost::asio;

Loop::Loop(std::shared_ptr<Service> service) : service_(std::move(service)) { refresh_date(); }

// Also where the server could not start all of its loops.
Loop::~Loop() { stop(); }

void Loop::start() {
  asio::post(context_, [this] { tick(); });
  thread_ = std::thread([this] { context_.run(); });
}

void Loop::adopt(Socket socket, bool refused) {
  asio::post(context_, [this, refused, socket = std::move(socket)]() mutable {
    adopt_here(std::move(socket), refused);
  });
}

void Loop::adopt_here(Socket socket, bool refused) {
  const std::uint64_t id = next_connection_++;
  const auto connection = std::make_shared<Connection>(*this, std::move(socket), id);
  connections_.emplace(id, connection);
  if (stopped_) {
    connection->close();
  } else if (refused) {
    connection->refuse(503, kTooManyConnections);
  } else {
    connection->begin();
    if (draining_) connection->drain();
  }
}

// A handler that answers before it returns is answered in place, so that replies to pipelined
// requests leave in one write. Any other connection is answered in its own turn: were it resumed
// from within a handler, handlers could nest as deep as there are connections.
void Loop::answer(std::uint64_t connection, std::uint64_t request, Response&& response) {
  if (context_.get_executor().running_in_this_thread()) {
    const auto here = find(connection);
    if (!here) return;
    if (here->dispatching()) return here->answer(request, response);
  }
  asio::post(context_, [this, connection, request, response = std::move(response)] {
    if (const auto found = find(connection)) found->answer(request, response);
  });
}

void Loop::drain() {
  asio::post(context_, [this] {
    draining_ = true;
    for_each([](Connection& connection) { connection.drain(); });
  });
}

// The timer is what keeps run() going: without it and the connections it returns.
void Loop::stop() {
  if (!thread_.joinable()) return;
  asio::post(context_, [this] {
    stopped_ = true;
    timer_.cancel();
    for_each([](Connection& connection) { connection.close(); });
  });
  thread_.join();
}

void Loop::forget(std::uint64_t connection) {
  connections_.erase(connection);
  if (service_->open_connections.fetch_sub(1) > 1) return;
  // Under the lock, so that who waits has either seen the count or hears this.
  const MutexLock lock(service_->mutex);
  service_->all_closed.notify_all();
}

std::shared_ptr<Connection> Loop::find(std::uint64_t connection) const {
  const auto found = connections_.find(connection);
  return found == connections_.end() ? nullptr : found->second;
}

void Loop::refresh_date() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t second = std::chrono::duration_cast<std::chrono::seconds>(wall).count();
  if (second != date_second_) {
    date_second_ = second;
    date_ = http_date(second);
  }
}

void Loop::tick() {
  if (stopped_) return;
  refresh_date();
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::shared_ptr<Connection>> due;
  for (const auto& [id, connection] : connections_) {
    if (connection->due(now)) due.push_back(connection);
  }
  for (const auto& connection : due) connection->expire();
  timer_.expires_after(kTick);
  timer_.async_wait([this](boost::system::error_code) { tick(); });
}

// Over a copy: what is visited may close, and so be forgotten.
void Loop::for_each(const std::function<void(Connection&)>& visit) {
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) visit(*connection);
}

}  // namespace sluice::http

#include "tests/integration/commit_thief.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

#include "storage/base/check.h"

namespace sluice::testing {
namespace {

constexpr std::string_view kHost = "@127.0.0.1:";
constexpr std::size_t kChunk = 1 << 16;
constexpr int kTurn = 50;  // ms

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// What there is to read, or nothing at the end.
std::string_view received(int from, std::array<char, kChunk>& chunk) {
  const ssize_t size = ::recv(from, chunk.data(), chunk.size(), 0);
  return {chunk.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

void send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the next recv() tells
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool readable(int socket) {
  pollfd waiting{.fd = socket, .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, kTurn) > 0;
}

}  // namespace

CommitThief::CommitThief(const std::string& url) : url_(url) {
  const auto at = url_.find(kHost);
  CHECK(at != std::string::npos, "a server on loopback");
  const char* const port = url_.data() + at + kHost.size();
  const char* const end = std::from_chars(port, url_.data() + url_.size(), server_port_).ptr;

  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  const auto* const bound = reinterpret_cast<const sockaddr*>(&address);
  CHECK(::bind(listener_, bound, size) == 0 && ::listen(listener_, 1) == 0, "a port of our own");
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  url_.replace(at + kHost.size(), static_cast<std::size_t>(end - port),
               std::to_string(ntohs(address.sin_port)));
  thread_ = std::thread([this] { run(); });
}

CommitThief::~CommitThief() {
  ends_ = true;
  thread_.join();
  ::close(listener_);
}

void CommitThief::run() {
  while (!ends_) {
    if (!readable(listener_)) continue;
    const int client = ::accept(listener_, nullptr, nullptr);
    const int server = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(server_port_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      carry(client, server);
    }
    ::close(server);
    ::close(client);
  }
}

void CommitThief::carry(int client, int server) {
  std::array<char, kChunk> chunk{};
  while (!ends_) {
    std::array<pollfd, 2> both{pollfd{.fd = client, .events = POLLIN, .revents = 0},
                               pollfd{.fd = server, .events = POLLIN, .revents = 0}};
    ::poll(both.data(), both.size(), kTurn);
    if (both[1].revents != 0) {
      const std::string_view bytes = received(server, chunk);
      if (bytes.empty()) return;
      send_all(client, bytes);
    }
    if (both[0].revents == 0) continue;
    const std::string_view bytes = received(client, chunk);
    if (bytes.empty()) return;
    const bool commits = bytes.find("COMMIT") != std::string_view::npos;
    const Steals steals = commits ? steals_.exchange(Steals::nothing) : Steals::nothing;
    if (steals == Steals::commit) return;
    send_all(server, bytes);
    if (steals == Steals::answer) return static_cast<void>(received(server, chunk));
  }
}

}  // namespace sluice::testing

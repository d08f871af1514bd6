#include "ingest/http/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace sluice::http {
namespace {

bool wait_for(int socket, short events) {
  pollfd waiting{socket, events, 0};
  const auto patience = std::chrono::milliseconds(Client::kPatience).count();
  return poll(&waiting, 1, static_cast<int>(patience)) == 1;
}

std::size_t number_after(std::string_view text, std::string_view label) {
  const std::size_t at = text.find(label);
  std::size_t number = 0;
  if (at == std::string_view::npos) return number;
  text.remove_prefix(at + label.size());
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

Client::Client(std::uint16_t port, int receive_buffer) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
  if (receive_buffer > 0) {
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(socket_);
    throw std::runtime_error("cannot connect");
  }
}

Client::~Client() {
  if (socket_ >= 0) close(socket_);
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN || !wait_for(socket_, POLLOUT)) {
      return false;
    }
  }
  return true;
}

std::size_t Client::send_some(std::string_view bytes) {
  const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

void Client::finish_sending() { shutdown(socket_, SHUT_WR); }

void Client::vanish() {
  const linger at_once{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(socket_);
  socket_ = -1;
}

bool Client::receive() {
  std::array<char, 16 * 1024> bytes;
  if (!wait_for(socket_, POLLIN)) throw std::runtime_error("the server does not answer");
  const ssize_t size = recv(socket_, bytes.data(), bytes.size(), 0);
  if (size > 0) received_.append(bytes.data(), static_cast<std::size_t>(size));
  return size > 0;
}

std::string Client::reply(bool has_body) {
  std::size_t head = std::string::npos;
  while ((head = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!receive()) return std::exchange(received_, {});
  }
  std::size_t size = head + 4;
  if (has_body) {
    size += number_after(std::string_view(received_).substr(0, head), "Content-Length: ");
  }
  while (received_.size() < size) {
    if (!receive()) return std::exchange(received_, {});
  }
  std::string reply = received_.substr(0, size);
  received_.erase(0, size);
  return reply;
}

std::string Client::rest() {
  while (receive()) {
  }
  return std::exchange(received_, {});
}

bool Client::quiet() const {
  pollfd now{socket_, POLLIN, 0};
  return received_.empty() && poll(&now, 1, 0) == 0;
}

int status_of_reply(std::string_view reply) {
  return static_cast<int>(number_after(reply, "HTTP/1.1 "));
}

std::string_view body_of(std::string_view reply) {
  const std::size_t head = reply.find("\r\n\r\n");
  return head == std::string_view::npos ? std::string_view() : reply.substr(head + 4);
}

}  // namespace sluice::http

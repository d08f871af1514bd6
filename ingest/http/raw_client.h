#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::http {

// A client that sends what it is told, byte for byte, and never waits longer than `kPatience`.
class Client {
 public:
  static constexpr std::chrono::seconds kPatience{20};

  // `receive_buffer` makes a reader that soon takes no more; 0 leaves it to the kernel.
  explicit Client(std::uint16_t port, int receive_buffer = 0);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // As much as the server takes; false once it has closed.
  bool send(std::string_view bytes);
  // As much as is taken at once.
  std::size_t send_some(std::string_view bytes);
  void finish_sending();
  // Closes with a reset, as a client that vanished.
  void vanish();

  // One reply, with its body if `has_body`; cut short where the connection ends.
  std::string reply(bool has_body = true);
  // What came until the connection ended.
  std::string rest();
  // Whether nothing has come.
  bool quiet() const;

 private:
  bool receive();

  int socket_;
  std::string received_;
};

int status_of_reply(std::string_view reply);
std::string_view body_of(std::string_view reply);

}  // namespace sluice::http

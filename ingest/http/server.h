#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "ingest/http/message.h"

namespace sluice::http {

// HTTP/1.1 and 1.0 on one address: `threads` threads, each with its own connections, which are
// dealt out in turn and never move, so that a connection needs no lock.
class Server {
 public:
  // Binds at once; port 0 takes a free one. Throws Misconfigured if the address cannot be had.
  Server(Limits limits, const std::string& address, std::uint16_t port, std::size_t threads,
         Handler handler, ErrorPage error_page);
  ~Server();  // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;

  // Once. Until then clients wait in the backlog.
  void start();

  // Accepts no more; requests begun are finished, and every reply closes its connection. Waits
  // until all are closed, at most for `patience`; whether all are.
  bool drain(std::chrono::milliseconds patience);

  // Closes what is open and joins the threads. Not from a handler.
  void stop();

  // Those being refused or closed too.
  std::size_t open_connections() const;

  // By all of them, of Limits::memory.
  std::size_t memory_held() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::http

#pragma once

#include <stop_token>
#include <thread>

namespace sluice {

// Turns the first TERM or INT into a stop; the second ends the process at once, and so does a stop
// that takes too long, since what it waits for may never answer: a stop is then a crash like any
// other, which loses nothing. Make it before any other thread, since threads inherit which signals
// they leave to it.
class Shutdown {
 public:
  Shutdown();
  ~Shutdown();
  Shutdown(const Shutdown&) = delete;
  Shutdown& operator=(const Shutdown&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  // Returns when a stop was asked for.
  void wait() const;

 private:
  std::stop_source source_;
  std::jthread listener_;
};

}  // namespace sluice

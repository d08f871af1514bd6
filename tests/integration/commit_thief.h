#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace sluice::testing {

// Stands between a client and its Postgres on loopback, carries one connection at a time, and
// breaks it where it is told to. A thread of its own.
class CommitThief {
 public:
  enum class Steals { nothing, commit, answer };

  // In front of the server of this URL.
  explicit CommitThief(const std::string& url);
  ~CommitThief();
  CommitThief(const CommitThief&) = delete;
  CommitThief& operator=(const CommitThief&) = delete;

  // Of the server, through here.
  [[nodiscard]] std::string url() const { return url_; }

  // The next commit does not come to the server, or does, and its answer not to the client.
  void steal(Steals what) { steals_ = what; }

 private:
  void run();
  void carry(int client, int server);

  std::string url_;
  std::uint16_t server_port_;
  int listener_;
  std::atomic<Steals> steals_ = Steals::nothing;
  std::atomic<bool> ends_ = false;
  std::thread thread_;
};

}  // namespace sluice::testing

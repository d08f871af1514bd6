#pragma once

// Posts batches of events to one domain, in order, each until it is accepted.

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/errors.h"
#include "tools/sluice/client/http_client.h"
#include "tools/sluice/client/token.h"

namespace sluice {

// The server has faults to find with the events: nothing of the batch was taken.
class Refused : public Misconfigured {
 public:
  using Misconfigured::Misconfigured;
};

class Poster {
 public:
  // Tries again for at most `patience` a batch.
  Poster(HttpClient& client, std::string_view domain, std::chrono::milliseconds patience);

  // Adds an event as one line of JSON, which must have an id: what was cut off is sent again, and
  // counts once. `origin` names it in a refusal, "line 17". Posts when the batch is full.
  void add(std::string_view event, std::string origin);

  // Posts what is left.
  void flush();

  // How many events go into a request, at most.
  void batch(std::size_t events) { batch_ = events; }

  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
  [[nodiscard]] std::string token() const { return token_.text(); }

 private:
  HttpReply deliver();
  [[noreturn]] void refuse(const HttpReply& reply) const;
  [[nodiscard]] std::string complaint(const HttpReply& reply) const;
  [[nodiscard]] std::string so_far() const;

  HttpClient& client_;
  const std::string path_;
  const std::chrono::milliseconds patience_;
  std::size_t batch_ = 1000;
  std::string lines_;
  std::vector<std::string> origins_;  // of the batch's events
  std::uint64_t accepted_ = 0;
  Token token_;
  std::minstd_rand jitter_{std::random_device{}()};
};

}  // namespace sluice

#pragma once

// What people ask of a process that projects, through rows of sluice.request: only it can append to
// the embedded log.

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "projectors/engine/projection.h"
#include "storage/postgres/connection.h"
#include "tools/sluice/node/log.h"

namespace sluice {

// Answers the requests of some projections, on one thread, over a session of its own.
class Requests {
 public:
  // The log must outlive this. Connects when it runs.
  Requests(const std::string& postgres, std::vector<std::string> projections, Log& log);

  // Until stopped, which it notices within a second. Rides out whatever fails: throws nothing.
  // Several processes may run it: each request is answered by one of them. One that is killed
  // between carrying a request out and answering it has another do so again, under the same id.
  void run(const std::stop_token& stop);

 private:
  struct Asked;
  struct Failing;

  void listen();
  // False: there was none.
  bool answer_one();
  [[nodiscard]] std::optional<Asked> take();
  [[nodiscard]] std::string answer_to(const Asked& asked);
  [[nodiscard]] std::string carry_out(const Asked& asked);

  PgConnection connection_;
  const std::string projections_;  // as an array of Postgres
  Log& log_;
};

// Answers until destroyed, on a thread of its own. The log must outlive this.
class RequestThread {
 public:
  RequestThread(const std::string& postgres, std::span<const Projection> projections, Log& log);

 private:
  Requests requests_;
  std::jthread thread_;  // the last: it uses what is before it
};

}  // namespace sluice

#pragma once

// What people ask of a process that projects, through rows of sluice.request: only it can append to
// the embedded log, and look into the state of the partitions that it owns.

#include <chrono>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "projectors/engine/projection.h"
#include "projectors/engine/run/errands.h"
#include "storage/postgres/connection.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/workers.h"

namespace sluice {

// What was asked of the owner of a partition, or of the process as a whole.
struct OwnerRequest {
  std::string id;
  ErrandPlace place;
  std::string argument;  // JSON
};

// The answer, as JSON; nullopt: the partition has another owner by now, who is left to answer. On a
// thread of its own, which may wait for an errand of the partition's worker; ends soon after it is
// told to stop. What it throws is the answer's "refused".
using OwnerAnswer =
    std::function<std::optional<std::string>(const OwnerRequest&, const std::stop_token&)>;

// By the kind of a request.
struct OwnerKinds {
  std::map<std::string, OwnerAnswer> of_partition;  // asked of the owner of the partition
  std::map<std::string, OwnerAnswer> of_process;    // asked of any process that has the kind
};

// Answers the requests of some projections, on one thread, over a session of its own.
class Requests {
 public:
  // All references must outlive this. Connects when it runs.
  Requests(const std::string& postgres, std::vector<std::string> projections, Log& log,
           const Workers& workers, OwnerKinds kinds);
  ~Requests();

  // Until stopped, which it notices within a second. Rides out whatever fails: throws nothing.
  // Several processes may run it: each request is answered by one of them. One that is killed
  // between carrying a request out and answering it has another do so again, under the same id.
  void run(const std::stop_token& stop);

 private:
  struct Asked;
  struct Failing;
  struct Job;

  void listen();
  // False: there was none.
  bool answer_one();
  [[nodiscard]] std::optional<Asked> take();
  [[nodiscard]] std::string owned_places() const;
  [[nodiscard]] bool owns(const ErrandPlace& place) const;
  [[nodiscard]] std::string answer_to(const Asked& asked);
  [[nodiscard]] std::string carry_out(const Asked& asked);
  // Of owners: a thread each.
  [[nodiscard]] const OwnerAnswer* owner_answer(const std::string& kind) const;
  void begin(const Asked& asked);
  void answer_finished();
  void say_at_work();
  [[nodiscard]] std::string ids_of_jobs() const;
  void answer(const std::string& id, const std::string& answer);

  PgConnection connection_;
  const std::string projections_;  // as an array of Postgres
  Log& log_;
  const Workers& workers_;
  const OwnerKinds kinds_;
  std::list<Job> jobs_;
  std::chrono::steady_clock::time_point next_word_;
  std::stop_source stopping_;
};

// Answers until destroyed, on a thread of its own. The references must outlive this.
class RequestThread {
 public:
  RequestThread(const std::string& postgres, std::span<const Projection> projections, Log& log,
                const Workers& workers, OwnerKinds kinds = {});

 private:
  Requests requests_;
  std::jthread thread_;  // the last: it uses what is before it
};

}  // namespace sluice

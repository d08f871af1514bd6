#pragma once

// The threads of a process that projects: a crew for each generation that it folds.

#include <compare>
#include <functional>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace sluice {

struct CrewPlace {
  std::string projection;
  int generation = 0;  // 0: whichever is live
  auto operator<=>(const CrewPlace&) const = default;
};

// Used by one thread.
class Crews {
 public:
  // `work` runs until it is told to stop, on the thread of a worker, and throws nothing.
  using Work = std::function<void(const CrewPlace&, int worker, const std::stop_token&)>;

  Crews(int workers, Work work) : workers_(workers), work_(std::move(work)) {}
  // Ends all of them, and waits for that.
  ~Crews();
  Crews(const Crews&) = delete;
  Crews& operator=(const Crews&) = delete;

  // Starts the crews that are not there yet; ends those that are not wanted, and waits for that.
  // Throws what starting threads throws; those that were started go on.
  void set(const std::set<CrewPlace>& wanted);

 private:
  using Threads = std::vector<std::jthread>;
  static void request_stop(Threads& threads);

  const int workers_;
  const Work work_;
  std::map<CrewPlace, Threads> crews_;
};

}  // namespace sluice

#pragma once

// A whole system in one thread: a log, a view, two processes that run the real worker, producers
// that retry, and everything that can go wrong, chosen by a seed. After every step the view must
// equal the refold of a prefix of the log, and never go back but by a restore.

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "projectors/engine/worker.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/faulty.h"
#include "tests/simulation/refold.h"

namespace sluice::simulation {

// A promise was broken. The message says which, and where.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class World {
 public:
  explicit World(std::uint64_t seed);
  ~World();

  // Lives through `steps` random steps, then heals everything and expects the view to reach the end
  // of the log. Throws Broken.
  void run(int steps);

  // How often each fault happened, for tests that ask whether the simulation does anything.
  [[nodiscard]] const std::map<std::string, int>& happened() const { return happened_; }

 private:
  struct Node {
    int index = 0;
    int incarnation = 0;
    MemoryAssignment assignment;
    std::map<Partition, MemoryState> disks;
    DeathRow death;
    std::unique_ptr<MemorySink> sink;
    std::unique_ptr<FaultySink> faulty_sink;
    Probe probe;
    std::unique_ptr<Worker> worker;
    int asleep = 0;  // steps for which it is stopped, as by SIGSTOP
  };
  struct Account {
    std::vector<LoggedRecord> log;  // what a refold may use
    Refold refold;
    std::int64_t position = 0;
    bool lost = false;  // the log no longer has what the view was folded from
  };

  // Steps.
  void produce();
  void produce_control();
  void produce_garbage();
  void repeat_tail();
  void turn(Node& node);
  void crash(Node& node);
  void condemn(Node& node);
  void sleep(Node& node);
  void rebalance();
  void lose_state();
  void sink_fault();
  void log_fault();
  void backup();
  void restore();
  void lose_tail();
  void jump();

  void heal();
  void start(Node& node);
  void forget_disks();
  void read_log(Partition partition);
  void check();
  void check_rows();
  void check_owners();
  void check_state();
  [[nodiscard]] Refold fresh(Partition partition) const;
  [[nodiscard]] std::string random_box();
  [[nodiscard]] std::string make_event(const std::string& box);
  void append(Partition partition, std::string key, std::string value);
  [[nodiscard]] int below(int bound);
  [[nodiscard]] bool chance(int percent) { return below(100) < percent; }
  void count(const std::string& fault) { ++happened_[fault]; }
  [[nodiscard]] Time wall() const { return wall_; }

  std::mt19937_64 random_;
  Time wall_;
  Worker::Clock::time_point steady_;
  MemoryLog log_;
  std::unique_ptr<EventWriter> writer_;
  MemoryViews views_;
  std::optional<MemoryViews> backup_;
  std::vector<Node> nodes_;
  std::vector<Account> accounts_;
  struct Sent {
    Partition partition;
    std::string key;
    std::string value;
  };
  std::vector<Sent> sent_;  // for retries
  int next_id_ = 0;
  int unmoved_checks_ = 0;
  std::size_t checked_deeds_ = 0;
  std::map<Partition, std::string> owners_;
  // Disks (node, partition) that a restore of the view has left ahead of it.
  std::set<std::pair<int, Partition>> ahead_;
  std::map<std::string, int> happened_;
};

}  // namespace sluice::simulation

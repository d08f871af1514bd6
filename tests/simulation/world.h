#pragma once

// A whole system in one thread: logs and views of two domains that tell each other, two processes
// that run the real workers, of one version of the rules or of another, people who promote and
// compare, applications that read, producers that retry, and everything that can go wrong, chosen
// by a seed. After every step each view must equal the refold of a prefix of its log, and never go
// back but by a restore.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "projectors/engine/run/worker.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_readers.h"
#include "tests/simulation/correspondence.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/faulty_writer.h"
#include "tests/simulation/generations.h"
#include "tests/simulation/node.h"
#include "tests/simulation/operator.h"
#include "tests/simulation/random_events.h"
#include "tests/simulation/reader.h"
#include "tests/simulation/shelves.h"
#include "tests/simulation/subject.h"

namespace sluice::simulation {

class World {
 public:
  explicit World(std::uint64_t seed);

  // Lives through `steps` random steps, then heals everything and expects the views to reach the
  // ends of their logs. Throws Broken.
  void run(int steps);

  // How often each fault happened, for tests that ask whether the simulation does anything.
  [[nodiscard]] const std::map<std::string, int>& happened() const { return happened_; }

 private:
  void step();
  void strike(int what);

  // traffic.cc
  void produce();
  void produce_control();
  void produce_garbage();
  void append(const std::string& stream, Partition partition, std::string key, std::string value);

  // processes.cc
  void turn(Node& node, Seat& seat);
  void check_tick(Subject& subject, Partition partition, Time recorded_at);
  void start(Node& node);
  void start(Node& node, Seat& seat);
  void compute(Node& node);
  void stop_all();
  void crash(Node& node);
  void arm_failpoint(Node& node);
  void sleep(Node& node);
  void rebalance();
  void deal(const Subject& subject);
  void make_snapshot();
  void lose_state();
  void check_state();

  // keys.cc
  void check_indexes();
  void check_keys_alone();

  // generation_changes.cc
  void change_generations();
  void rebuild();
  void build(const SimulatedDomain& by, Subject& shown, bool promotes_itself);
  void retire();
  void clear_away_retired();
  void forget(const Subject& gone);
  [[nodiscard]] std::string promote(Subject& live, Subject& other);
  void oversleep(const Subject& live);
  [[nodiscard]] bool dies_in_a_hurry(const Operator& calm);
  void show_what_follows(const std::string& domain);
  void replace_program();
  void run_all_versions();
  void seat(Subject& subject);

  // commands.cc
  [[nodiscard]] bool people_decide();
  void call_operator();
  void look_for_new_versions(Node& node);
  void begin(Operator::Task task, Subject& live, Subject& other, std::optional<int> node = {});
  void operate(Operator& command);
  void kill(Operator& command);
  void keep_up(const Operator& command);
  void decide_amid(Subject& shown, Subject& made);
  void note_swapped(const Operator& done);
  void end_commands_of(const Node& node);
  void start_anew(const std::string& domain);

  // readers.cc
  void read();

  // faults.cc
  void sink_fault();
  void log_fault();
  void append_fault();
  void carry_out_late();
  void repeat_tail();
  void leave_out_offsets(const std::string& stream, Partition partition);
  void restore();
  void quiet_fault();
  void restore_under_them(const std::string& domain);
  void steal(Subject& subject);
  void lose_tail();
  void let_producers_stamp();
  void jump();

  void heal();
  void end_hurry();
  void reach_the_ends();
  void turn_all(std::chrono::milliseconds passed = std::chrono::milliseconds{500});
  void check_nothing_is_said();
  void check();
  [[nodiscard]] int below(int bound) { return dice_.below(bound); }
  [[nodiscard]] bool chance(int percent) { return dice_.chance(percent); }
  [[nodiscard]] Node& random_node();
  [[nodiscard]] Seat& random_seat(Node& node);
  [[nodiscard]] const SimulatedDomain& domain(std::string_view name, int version) const;
  // A live one.
  [[nodiscard]] Subject& random_subject();
  void count(const std::string& fault) { ++happened_[fault]; }

  Dice dice_;
  Time wall_;
  RandomEvents events_;
  Worker::Clock::time_point steady_;
  MemoryLog log_;
  std::unique_ptr<EventWriter> writer_;
  // By name and version, as programs have them.
  std::map<std::pair<std::string, int>, SimulatedDomain> domains_;
  Generations generations_;
  // By domain.
  std::map<std::string, MemoryReaders> readers_;
  std::map<std::string, Reader> applications_;
  std::vector<std::unique_ptr<Operator>> commands_;  // that are at work
  Correspondence correspondence_;
  std::map<std::string, int> happened_;
  Shelves shelves_{dice_, events_, happened_};
  std::vector<Node> nodes_;
  std::vector<LateAppend> late_;
  std::vector<Sent> sent_;   // for retries
  int unlooked_ = 0;         // checks since indexes were looked at
  int producers_stamp_ = 0;  // steps for which they still do
};

}  // namespace sluice::simulation

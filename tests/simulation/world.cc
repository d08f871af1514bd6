#include "tests/simulation/world.h"

#include <algorithm>

#include "tests/simulation/roster/ledger.h"
#include "tests/simulation/roster/projection.h"
#include "tests/simulation/tally/ledger.h"
#include "tests/simulation/tally/projection.h"

namespace sluice::simulation {
namespace {

using std::chrono::milliseconds;

constexpr int kNodes = 2;

template <class Rules>
SimulatedDomain tally_domain(bool mended = false) {
  const TallyRules rules{.version = Rules::kVersion, .fails = !mended};
  return {describe<Rules>("tally"), [rules] { return std::make_unique<TallyLedger>(rules); },
          TallyLedger::published, mended};
}

SimulatedDomain roster_domain() {
  return {describe<Roster>("roster"), [] { return std::make_unique<RosterLedger>(); },
          RosterLedger::published};
}

}  // namespace

World::World(std::uint64_t seed)
    : dice_(seed),
      wall_(milliseconds{1'700'000'000'000}),
      events_(dice_, wall_),
      log_([this] { return wall_; }),
      correspondence_(log_, generations_.all()),
      nodes_(kNodes) {
  log_.set_poll_records(7);
  writer_ = log_.writer();
  const auto clock = [this] { return steady_; };
  domains_ = {
      {{"tally", 1}, tally_domain<Tally>()},
      {{"tally", 2}, chance(40) ? tally_domain<MendedNextTally>(true) : tally_domain<NextTally>()},
      {{"roster", 1}, roster_domain()},
      {{"roster", 2}, roster_domain()}};
  for (int i = 0; i < kNodes; ++i) nodes_[static_cast<std::size_t>(i)].index = i;
  for (const std::string name : {"tally", "roster"}) {
    generations_.add(std::make_unique<Subject>(domain(name, 1), log_, clock));
    applications_.try_emplace(name, name, generations_.all(), readers_[name]);
  }
  // Of a release that is being rolled out.
  if (chance(50)) nodes_.back().version = 2;
  for (Node& node : nodes_) start(node);
  for (const auto& subject : generations_.all()) seat(*subject);
}

Node& World::random_node() { return nodes_[static_cast<std::size_t>(below(kNodes))]; }

Seat& World::random_seat(Node& node) {
  return *std::next(node.seats.begin(), below(static_cast<int>(node.seats.size())));
}

const SimulatedDomain& World::domain(std::string_view name, int version) const {
  return domains_.at({std::string(name), version});
}

Subject& World::random_subject() { return generations_.live(chance(50) ? "tally" : "roster"); }

void World::run(int steps) {
  for (int i = 0; i < steps; ++i) {
    wall_ += milliseconds{below(120)};
    steady_ += milliseconds{below(120)};
    step();
    check();
  }
  heal();
}

void World::step() {
  if (producers_stamp_ > 0 && --producers_stamp_ == 0) log_.let_producers_stamp(std::nullopt);
  if (!commands_.empty()) {
    Operator& command =
        *commands_[static_cast<std::size_t>(below(static_cast<int>(commands_.size())))];
    if (command.due(steady_) && chance(45)) return operate(command);
    if (command.due(steady_) && chance(60)) return keep_up(command);
  }
  if (chance(8)) return look_for_new_versions(random_node());
  if (chance(people_decide() ? 8 : 0)) return call_operator();
  if (chance(5)) clear_away_retired();
  if (chance(8)) return read();
  if (below(1000) < 30) return change_generations();
  if (chance(2)) return make_snapshot();
  const int what = below(1000);
  if (what < 300) return produce();
  if (what < 770) {
    Node& node = random_node();
    return turn(node, random_seat(node));
  }
  if (what < 830) return compute(random_node());
  strike(what);
}

// Where something can come of it. What promotes itself is left alone until a program is at it.
bool World::people_decide() {
  const auto by_itself = [](const auto& command) {
    return command->task() == Operator::Task::promote_itself;
  };
  const auto is_ready = [](const auto& subject) {
    const GenerationRole& role = subject->views().role();
    return role.status == GenerationStatus::ready && !role.promotes_itself;
  };
  return std::ranges::any_of(commands_, by_itself) ||
         std::ranges::any_of(generations_.all(), is_ready);
}

void World::strike(int what) {
  if (what < 855) return arm_failpoint(random_node());
  if (what < 865) return crash(random_node());
  if (what < 880) return sleep(random_node());
  if (what < 892) return rebalance();
  if (what < 897) return lose_state();
  if (what < 922) return sink_fault();
  if (what < 932) return log_fault();
  if (what < 947) return append_fault();
  if (what < 953) return carry_out_late();
  if (what < 959) {
    for (const auto& subject : generations_.all()) subject->back_up();
    return;
  }
  if (what < 962) return restore();
  if (what < 964) return quiet_fault();
  if (what < 968) return lose_tail();
  if (what < 975) return jump();
  if (what < 983) return produce_garbage();
  if (what < 992) return produce_control();
  if (what < 996) return repeat_tail();
  if (what < 998) {
    return leave_out_offsets(random_subject().stream(), Partition{below(kPartitions)});
  }
  let_producers_stamp();
}

void World::check() {
  check_state();
  for (const auto& subject : generations_.all()) subject->check();
  generations_.check_following();
  generations_.check_roles();
  correspondence_.check();
  // A look folds all logs.
  constexpr int kNowAndThen = 300;
  if (++unlooked_ % kNowAndThen == 0) check_indexes();
}

// Everything works again: the views must reach the ends of their logs, but those that were lost,
// and must once more when they are moved under projectors to which no record comes.
void World::heal() {
  log_.set_away(false);
  log_.let_producers_stamp(std::nullopt);
  carry_out_late();
  commands_.clear();
  clear_away_retired();
  for (auto& [name, application] : applications_) application.end();
  for (Node& node : nodes_) {
    for (Seat& seat : node.seats) seat.sink->finish_delayed();
  }
  run_all_versions();
  for (Node& node : nodes_) {
    for (Seat& seat : node.seats) seat.sink->set_away(false);
  }
  check();
  reach_the_ends();
  // What follows can be shown instead, wherever nothing was lost.
  for (const char* domain : {"tally", "roster"}) show_what_follows(domain);
  end_hurry();
  // A backup of this very ownership: then the position alone tells that the view went back.
  for (const auto& subject : generations_.all()) subject->back_up();
  for (int more = 0; more < 5; ++more) produce();
  reach_the_ends();
  quiet_fault();
  reach_the_ends();
  check_nothing_is_said();
  for (const Account& account : generations_.live("tally").accounts()) {
    happened_["rule failed"] += static_cast<int>(account.refold.failed);
    happened_["timer failed"] += static_cast<int>(account.refold.timers_failed);
  }
  correspondence_.check_nothing_else();
  check_indexes();
  // Of every other world: it takes as long as the rest of a seed.
  if (chance(50)) check_keys_alone();
}

// No command swaps for so long that the order to hurry lapses: each generation that was told to
// hurry is to take its time again.
void World::end_hurry() {
  const auto hurried = [](const auto& subject) { return subject->hurried(); };
  if (std::ranges::none_of(generations_.all(), hurried)) return;
  for (int i = 0; i < 30; ++i) turn_all();
  count("hurry over");
  for (const auto& subject : generations_.all()) subject->end_hurry();
  for (int more = 0; more < 10; ++more) produce();
}

// Where nothing was lost no process goes on saying of anything that it stands still, whatever its
// name was.
void World::check_nothing_is_said() {
  if (std::ranges::any_of(generations_.all(),
                          [](const auto& subject) { return subject->any_lost(); }))
    return;
  constexpr int kTurns = 200;
  std::string said = "at first";
  for (int i = 0; i < kTurns && !said.empty(); ++i) {
    turn_all();
    said.clear();
    for (const Node& node : nodes_) {
      for (const auto& [what, why] : node.probe.totals().stopped) said += " " + what + ": " + why;
    }
  }
  if (!said.empty()) throw Broken("all goes on, and it is said of" + said);
}

void World::turn_all(milliseconds passed) {
  steady_ += passed;
  wall_ += milliseconds{20};
  for (Node& node : nodes_) {
    for (Seat& seat : node.seats) turn(node, seat);
    compute(node);
  }
  check();
}

void World::reach_the_ends() {
  constexpr int kTurns = 4000;
  for (int i = 0; i < kTurns; ++i) {
    turn_all();
    // The owners of quiet partitions let nothing lie that is due.
    const Time due = wall_ - milliseconds{2000};
    const auto complete = [&](const auto& subject) {
      return subject->complete(due, generations_.live(std::string(subject->projection().name)));
    };
    if (std::ranges::all_of(generations_.all(), complete)) return;
  }
  std::string behind;
  for (const auto& subject : generations_.all()) {
    if (subject->complete(wall_ - milliseconds{2000},
                          generations_.live(std::string(subject->projection().name))))
      continue;
    behind += " " + subject->stream() + " generation " +
              std::to_string(subject->views().generation().number);
    for (int p = 0; p < kPartitions; ++p) {
      behind += " " + std::to_string(subject->account(Partition{p}).position) + "(" +
                subject->views().trouble(Partition{p}) + ")";
    }
  }
  throw Broken("the views do not reach the ends of their logs:" + behind);
}

}  // namespace sluice::simulation

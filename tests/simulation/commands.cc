// People who promote, roll back and compare, and programs that promote by themselves what they
// made: each goes on a step at a time, dies, hangs, and meets the others.

#include <algorithm>

#include "tests/simulation/world.h"

namespace sluice::simulation {
namespace {

using std::chrono::milliseconds;
using Task = Operator::Task;

constexpr std::size_t kByHand = 2;  // at one time

}  // namespace

void World::begin(Task task, Subject& live, Subject& other, std::optional<int> node) {
  const std::string domain(live.projection().name);
  const auto lock_wait = std::chrono::seconds(node ? 3 : 10);
  commands_.push_back(
      std::make_unique<Operator>(Operator::Work{.task = task,
                                                .live = live,
                                                .other = other,
                                                .all = generations_.views_of(domain),
                                                .patience = {lock_wait, std::chrono::seconds(5)},
                                                .node = node},
                                 readers_[domain], steady_));
}

// At whatever else is at work on the generations.
void World::call_operator() {
  const auto by_hand = std::ranges::count_if(
      commands_, [](const auto& command) { return !command->node().has_value(); });
  if (static_cast<std::size_t>(by_hand) >= kByHand) return;
  std::string domain = chance(50) ? "tally" : "roster";
  if (generations_.beside(domain).empty()) domain = domain == "tally" ? "roster" : "tally";
  const std::vector<Subject*> all = generations_.beside(domain);
  if (all.empty()) return;
  Subject& next = *all[static_cast<std::size_t>(below(static_cast<int>(all.size())))];
  // Of what is not ready nothing comes.
  if (next.views().status() == GenerationStatus::building && chance(70)) return;
  const bool stands = next.views().status() == GenerationStatus::standing;
  auto task = chance(25) ? Task::compare : stands && chance(70) ? Task::roll_back : Task::promote;
  // They tell the other domain other things, so that they are shown to nobody here.
  if (!next.tells_as(generations_.live(domain))) task = Task::compare;
  if (task == Task::compare && next.views().advance() != BuildPhase::following) {
    return count("compare refused: not_ready");
  }
  begin(task, generations_.live(domain), next);
}

// A turn of what a program does about its own version: it has a generation made where that is newer
// than any before, and promotes it once.
void World::look_for_new_versions(Node& node) {
  const bool at_work = std::ranges::any_of(
      commands_, [&](const auto& command) { return command->node() == node.index; });
  if (node.asleep > 0 || at_work) return;
  const SimulatedDomain& own = domain("tally", node.version);
  // They would be shown to readers, and tell the other domain other things.
  if (own.mended) return;
  Subject& shown = generations_.live("tally");
  Subject* const made = generations_.in_the_making("tally");
  const int version = own.projection.version;
  if (made == nullptr && version > generations_.newest_version("tally") &&
      !shown.views().swapped()) {
    count("new version made by itself");
    return build(own, shown, true);
  }
  if (made == nullptr || made->projection().version != version) return;
  if (!made->views().role().promotes_itself || made->views().status() != GenerationStatus::ready)
    return;
  begin(Task::promote_itself, shown, *made, node.index);
}

// A command dies or hangs between any two of its steps; oftener while others are told to hurry,
// which few are.
void World::operate(Operator& command) {
  const bool sleeps =
      command.node() && nodes_[static_cast<std::size_t>(*command.node())].asleep > 0;
  if (sleeps) return count("program sleeps as it promotes itself");
  if (chance(command.awaits_hurry() ? 15 : 3)) return kill(command);
  // People have the time to decide meanwhile.
  if (chance(command.node() ? 5 : 3)) {
    count("command hangs");
    return command.sleep(steady_ + milliseconds{below(command.node() ? 3500 : 5000)});
  }
  if (command.hurries()) count("told to hurry");
  const auto ended = command.step(steady_);
  if (!ended) return;
  count(*ended);
  if (command.swapped()) note_swapped(command);
  std::erase_if(commands_, [&](const auto& each) { return each.get() == &command; });
}

void World::kill(Operator& command) {
  count("killed: " + command.at());
  if (command.awaits_hurry()) count("killed while others hurry");
  if (command.node()) return crash(nodes_[static_cast<std::size_t>(*command.node())]);
  std::erase_if(commands_, [&](const auto& each) { return each.get() == &command; });
}

// Who folds the generation that is awaited; and dies at that, at times.
void World::keep_up(const Operator& command) {
  const Subject* const awaited = &command.other();
  const bool hurries = command.awaits_hurry();
  for (Node& node : nodes_) {
    if (hurries && chance(5)) {
      count("program killed while it hurries");
      crash(node);
    }
    for (Seat& seat : node.seats) {
      if (seat.subject == awaited) turn(node, seat);
    }
  }
}

// A program is amid promoting it by itself when a person does, and goes back; then it goes on.
void World::decide_amid(Subject& shown, Subject& made) {
  const std::string domain(shown.projection().name);
  Operator by_itself({.task = Task::promote_itself,
                      .live = shown,
                      .other = made,
                      .all = generations_.views_of(domain),
                      .patience = {std::chrono::minutes(10), std::chrono::minutes(10)},
                      .node = 0},
                     readers_[domain], steady_);
  const auto go_on = [&] {
    auto ended = by_itself.step(steady_);
    if (!by_itself.due(steady_)) turn_all(milliseconds{50});
    return ended;
  };
  std::optional<std::string> ended;
  for (int steps = below(14); steps > 0 && !ended; --steps) ended = go_on();
  if (ended && by_itself.swapped()) return note_swapped(by_itself);
  if (ended || !made.views().role().promotes_itself) return;
  // The locks of who sleeps are gone by then.
  if (!promote(shown, made).empty() || !promote(made, shown).empty()) return;
  while (!ended) ended = go_on();
  if (by_itself.swapped()) note_swapped(by_itself);
  count(*ended);
}

void World::note_swapped(const Operator& done) {
  if (generations_.note_swapped(done)) count("promoted over one that stood");
}

// With their process go the commands that it runs.
void World::end_commands_of(const Node& node) {
  std::erase_if(commands_, [&](const auto& each) { return each->node() == node.index; });
}

// What had a session with the views' database has none any more.
void World::start_anew(const std::string& domain) {
  applications_.at(domain).begin_anew();
  std::erase_if(commands_, [&](const auto& each) { return each->is_about(domain); });
}

}  // namespace sluice::simulation

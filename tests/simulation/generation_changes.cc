// Generations of the world's domains: built beside the live one by one program or another, shown
// instead of it, shown no more, given up.

#include <algorithm>
#include <set>

#include "tests/simulation/world.h"

namespace sluice::simulation {

void World::seat(Subject& subject) {
  for (Node& node : nodes_) {
    node.seats.emplace_back().subject = &subject;
    start(node, node.seats.back());
  }
  deal(subject);
}

// By whichever program is asked. While one is in the making the program answers that one.
void World::rebuild() {
  Subject& shown = random_subject();
  const std::string name(shown.projection().name);
  if (generations_.in_the_making(name) != nullptr || shown.views().swapped()) return;
  count(generations_.standing(name) == nullptr ? "rebuild" : "rebuild beside one that stands");
  const SimulatedDomain& by = domain(name, random_node().version);
  if (by.mended) count("rebuild by mended rules");
  build(by, shown, false);
}

void World::build(const SimulatedDomain& by, Subject& shown, bool promotes_itself) {
  Subject& made = generations_.build(by, shown);
  if (promotes_itself) made.views().promote_itself();
  seat(made);
}

// Where all is well: why it does not come through; "": it does.
std::string World::promote(Subject& live, Subject& other) {
  const bool back = other.views().status() == GenerationStatus::standing;
  const std::string domain(live.projection().name);
  const Operator::Work work{.task = back ? Operator::Task::roll_back : Operator::Task::promote,
                            .live = live,
                            .other = other,
                            .all = generations_.views_of(domain),
                            .patience = {std::chrono::seconds(10), std::chrono::seconds(10)}};
  auto calm = std::make_unique<Operator>(work, readers_[domain], steady_);
  // Asleep for 6.5 s, a second time it would have no patience left.
  bool slept = false;
  for (int deaths = 0;;) {
    if (deaths < 3 && dies_in_a_hurry(*calm)) {
      ++deaths;
      calm = std::make_unique<Operator>(work, readers_[domain], steady_);
      slept = false;
    }
    if (!slept && calm->marks() && chance(15)) {
      oversleep(live);
      slept = true;
    }
    if (calm->hurries()) count("told to hurry at the end");
    if (const auto ended = calm->step(steady_)) {
      if (!calm->succeeded()) return *ended + ", " + calm->reason();
      note_swapped(*calm);
      return {};
    }
    if (!calm->due(steady_)) turn_all(std::chrono::milliseconds{50});
  }
}

// A command sleeps until the server has ended what it locked, and the live generation alone goes
// on.
void World::oversleep(const Subject& live) {
  count("oversleeps its locks");
  steady_ += std::chrono::milliseconds{2500};
  for (int more = 0; more < 10; ++more) produce();
  for (int i = 0; i < 8; ++i) {
    steady_ += std::chrono::milliseconds{500};
    for (Node& node : nodes_) {
      for (Seat& seat : node.seats) {
        if (seat.subject == &live) turn(node, seat);
      }
      compute(node);
    }
    check();
  }
}

// Few are told to hurry before the end, so that who tells and who is told die here too.
bool World::dies_in_a_hurry(const Operator& calm) {
  if (!calm.awaits_hurry()) return false;
  if (chance(4)) {
    count("program killed while it hurries");
    crash(random_node());
  }
  if (!chance(calm.hurries() ? 25 : 6)) return false;
  count("killed: " + calm.at());
  count("killed while others hurry");
  return true;
}

// Wherever nothing was lost and the rules tell the other domain the same; and back again, at times.
void World::show_what_follows(const std::string& domain) {
  const auto show = [&](Subject* next) {
    Subject& shown = generations_.live(domain);
    if (next == nullptr || !next->tells_as(shown)) return false;
    if (shown.any_lost() || next->any_lost()) return false;
    // Its owner says so with a beat.
    for (int i = 0; i < 6 && next->views().status() == GenerationStatus::building; ++i) {
      turn_all();
    }
    if (next->views().role().promotes_itself) decide_amid(shown, *next);
    if (next->is_live()) return true;
    const std::string refused = promote(generations_.live(domain), *next);
    if (refused.empty()) return true;
    throw Broken("a generation that follows cannot be given to readers: " + refused);
  };
  const Subject& before = generations_.live(domain);
  Subject* const made = generations_.in_the_making(domain);
  const bool third = made != nullptr && generations_.standing(domain) != nullptr;
  if (!show(made)) {
    show(generations_.standing(domain));
  } else if (third || chance(15)) {
    count(third ? "third shown at the end" : "shown at the end");
    clear_away_retired();
    if (show(generations_.standing(domain)) && &generations_.live(domain) != &before) {
      throw Broken("a rollback shows what was not shown before");
    }
  }
}

void World::change_generations() {
  const int what = below(16);
  if (what < 5) return rebuild();
  if (what < 13) return call_operator();
  if (what < 14) return retire();
  replace_program();
}

// By the one of the other version: the next step of a rolling replacement, or a mistake.
void World::replace_program() {
  count("program replaced");
  Node& node = random_node();
  node.version = 3 - node.version;
  crash(node);
  for (const auto& subject : generations_.all()) deal(*subject);
}

// Some program has the rules of each generation that there is.
void World::run_all_versions() {
  std::set<int> versions;
  for (const Subject* each : generations_.of("tally")) versions.insert(each->projection().version);
  for (Node& node : nodes_) {
    node.version = versions.size() > 1 ? 1 + node.index % 2 : *versions.begin();
    crash(node);
  }
  for (const auto& subject : generations_.all()) deal(*subject);
}

// By hand, whatever becomes of commands that are about it: they are refused when they go on.
void World::retire() {
  Subject& shown = random_subject();
  const std::vector<Subject*> all = generations_.beside(std::string(shown.projection().name));
  if (all.empty()) return;
  if (shown.views().swapped()) return count("retire refused: locked");
  Subject& gone = *all[static_cast<std::size_t>(below(static_cast<int>(all.size())))];
  count(gone.views().status() == GenerationStatus::standing ? "standing one retired" : "retired");
  gone.views().retire();
  if (chance(50)) clear_away_retired();
}

// By the command that retired it, or by a later one: until then it is folded on by who had it.
void World::clear_away_retired() {
  for (const char* domain : {"tally", "roster"}) {
    if (generations_.live(domain).views().swapped()) continue;
    for (const Subject* const each : generations_.of(domain)) {
      const bool needed = std::ranges::any_of(
          commands_, [&](const auto& command) { return command->needs(*each); });
      if (each->views().status() == GenerationStatus::retired && !needed) forget(*each);
    }
  }
}

void World::forget(const Subject& gone) {
  count("retired one cleared away");
  for (Node& node : nodes_) {
    std::erase_if(node.seats, [&](const Seat& seat) { return seat.subject == &gone; });
  }
  shelves_.drop(&gone);
  generations_.forget(gone);
}

}  // namespace sluice::simulation

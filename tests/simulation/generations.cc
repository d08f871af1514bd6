// Generations of the world's domains: built beside the live one, shown instead of it, given up.

#include <algorithm>

#include "tests/simulation/tally/ledger.h"
#include "tests/simulation/tally/projection.h"
#include "tests/simulation/world.h"

namespace sluice::simulation {

std::vector<Subject*> World::generations_of(const std::string& domain) {
  std::vector<Subject*> all;
  for (const auto& subject : subjects_) {
    if (subject->projection().name == domain) all.push_back(subject.get());
  }
  return all;
}

Subject& World::live(const std::string& domain) {
  return **std::ranges::find_if(subjects_, [&](const auto& subject) {
    return subject->is_live() && subject->projection().name == domain;
  });
}

Subject* World::other(const Subject& live) {
  const auto found = std::ranges::find_if(subjects_, [&](const auto& subject) {
    return !subject->is_live() && subject->projection().name == live.projection().name;
  });
  return found == subjects_.end() ? nullptr : found->get();
}

void World::seat(Subject& subject) {
  for (Node& node : nodes_) node.seats.emplace_back().subject = &subject;
  deal(subject);
}

// Of the tally also by rules that do not fail. These tell the roster other things, so that they
// are shown to nobody here.
std::unique_ptr<Subject> World::generation_beside(Subject& shown) {
  const int number = next_generation_++;
  if (shown.projection().name != "tally" || chance(50)) {
    return std::make_unique<Subject>(shown, number);
  }
  count("rebuild by mended rules");
  return std::make_unique<Subject>(
      shown, number,
      SimulatedDomain{describe<NextTally>("tally"),
                      [] { return std::make_unique<TallyLedger>(false); }, TallyLedger::published});
}

void World::rebuild() {
  Subject& shown = random_subject();
  if (other(shown) != nullptr) return;
  count("rebuild");
  for (Subject* const each : generations_of(std::string(shown.projection().name))) {
    each->drop_backup();
  }
  subjects_.push_back(generation_beside(shown));
  seat(*subjects_.back());
  for (Node& node : nodes_) start(node, node.seats.back());
}

// The live one's positions are locked: it flushes nothing until the other has reached them.
bool World::promote(Subject& live, Subject& other) {
  constexpr int kTurns = 40;
  for (int i = 0; i < kTurns; ++i) {
    if (MemoryViews::swap(live.views(), other.views())) {
      other.succeed(live);
      return true;
    }
    steady_ += std::chrono::milliseconds{100};
    for (Node& node : nodes_) {
      for (Seat& seat : node.seats) {
        if (seat.subject == &other) turn(node, seat);
      }
    }
    check();
  }
  return false;
}

void World::promote() {
  Subject& shown = random_subject();
  Subject* const next = other(shown);
  if (next == nullptr || !next->has_rules_of(shown)) return;
  count(promote(shown, *next) ? "promoted" : "promotion given up");
}

void World::change_generations() {
  const int what = below(10);
  if (what < 5) return rebuild();
  if (what < 9) return promote();
  retire();
}

void World::retire() {
  Subject& shown = random_subject();
  Subject* const gone = other(shown);
  if (gone == nullptr) return;
  count("retired");
  for (Node& node : nodes_) {
    std::erase_if(node.seats, [&](const Seat& seat) { return seat.subject == gone; });
  }
  std::erase_if(shelves_, [&](const auto& shelf) { return shelf.first.first == gone; });
  std::erase_if(subjects_, [&](const auto& subject) { return subject.get() == gone; });
  shown.drop_backup();
}

// Nobody is shown later what readers do not see yet.
void World::check_following() {
  for (const auto& subject : subjects_) {
    if (subject->is_live()) continue;
    Subject& shown = live(std::string(subject->projection().name));
    for (int p = 0; p < kPartitions; ++p) {
      const Offset at = subject->views().position(Partition{p}).position;
      if (at > shown.views().position(Partition{p}).position) {
        throw Broken("ahead of the live generation" + subject->where(Partition{p}, at.value));
      }
    }
  }
}

}  // namespace sluice::simulation

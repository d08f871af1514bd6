// Generations of the world's domains: built beside the live one by one program or another, shown
// instead of it, shown no more, given up.

#include <algorithm>
#include <set>

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
  for (Node& node : nodes_) {
    node.seats.emplace_back().subject = &subject;
    start(node, node.seats.back());
  }
  deal(subject);
}

// By whichever program is asked.
void World::rebuild() {
  Subject& shown = random_subject();
  if (other(shown) != nullptr) return;
  count("rebuild");
  const std::string name(shown.projection().name);
  for (Subject* const each : generations_of(name)) each->drop_backup();
  const SimulatedDomain& by = domain(name, random_node().version);
  if (by.mended) count("rebuild by mended rules");
  subjects_.push_back(std::make_unique<Subject>(by, shown, next_generation_++));
  seat(*subjects_.back());
}

void World::call_operator() {
  if (operator_) return;
  Subject* first = &random_subject();
  if (other(*first) == nullptr)
    first = &live(first->projection().name == "tally" ? "roster" : "tally");
  Subject& shown = *first;
  Subject* const next = other(shown);
  if (next == nullptr) return;
  const bool standing = next->views().status() == MemoryViews::Status::standing;
  auto task = chance(25)               ? Operator::Task::compare
              : standing && chance(70) ? Operator::Task::roll_back
                                       : Operator::Task::promote;
  // They tell the other domain other things, so that they are shown to nobody here.
  if (!next->tells_as(shown)) task = Operator::Task::compare;
  operator_ = std::make_unique<Operator>(
      task, shown, *next, readers_[std::string(shown.projection().name)],
      SwapPatience{std::chrono::seconds(10), std::chrono::seconds(5)}, steady_);
}

// A command dies or hangs between any two of its steps.
void World::operate() {
  if (chance(3)) {
    count("killed: " + operator_->at());
    return operator_.reset();
  }
  if (chance(3)) {
    count("command hangs");
    return operator_->sleep(steady_ + std::chrono::milliseconds{below(5000)});
  }
  if (operator_->hurries()) count("told to hurry");
  const auto ended = operator_->step(steady_);
  if (!ended) return;
  count(*ended);
  operator_.reset();
}

// Who folds the generation that is awaited.
void World::keep_up() {
  for (Node& node : nodes_) {
    for (Seat& seat : node.seats) {
      if (seat.subject == &operator_->other()) turn(node, seat);
    }
  }
}

// Where all is well: why it does not come through; "": it does.
std::string World::promote(Subject& live, Subject& other) {
  const bool back = other.views().status() == MemoryViews::Status::standing;
  Operator calm(back ? Operator::Task::roll_back : Operator::Task::promote, live, other,
                readers_[std::string(live.projection().name)],
                {std::chrono::seconds(10), std::chrono::seconds(10)}, steady_);
  for (;;) {
    if (calm.hurries()) count("told to hurry at the end");
    if (const auto ended = calm.step(steady_)) {
      return calm.succeeded() ? "" : *ended + ", " + calm.reason();
    }
    if (!calm.due(steady_)) turn_all(std::chrono::milliseconds{50});
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
  for (const auto& subject : subjects_) deal(*subject);
}

// Some program has the rules of each generation that there is.
void World::run_all_versions() {
  std::set<int> versions;
  for (const Subject* each : generations_of("tally")) versions.insert(each->projection().version);
  for (Node& node : nodes_) {
    node.version = versions.size() > 1 ? 1 + node.index % 2 : *versions.begin();
    crash(node);
  }
  for (const auto& subject : subjects_) deal(*subject);
}

// What had a session with the views' database has none any more.
void World::start_anew(const std::string& domain) {
  applications_.at(domain).begin_anew();
  if (operator_ && operator_->is_about(domain)) operator_.reset();
}

void World::retire() {
  Subject& shown = random_subject();
  Subject* const gone = other(shown);
  if (gone == nullptr) return;
  // Refused while a command is at work on it.
  if (operator_ && &operator_->other() == gone) return;
  count("retired");
  for (Node& node : nodes_) {
    std::erase_if(node.seats, [&](const Seat& seat) { return seat.subject == gone; });
  }
  shelves_.drop(gone);
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

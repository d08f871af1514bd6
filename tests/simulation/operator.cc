#include "tests/simulation/operator.h"

#include <set>
#include <variant>

#include "tests/simulation/broken.h"

namespace sluice::simulation {
namespace {

std::string name_of(Operator::Task task) {
  switch (task) {
    case Operator::Task::promote:
      return "promote";
    case Operator::Task::roll_back:
      return "rollback";
    case Operator::Task::compare:
      return "compare";
  }
  return {};
}

std::set<std::string> differing(const Rows& one, const Rows& other) {
  std::set<std::string> keys;
  for (const auto& [key, row] : one) {
    const auto found = other.find(key);
    if (found == other.end() || found->second != row) keys.insert(key);
  }
  for (const auto& [key, row] : other) {
    if (!one.contains(key)) keys.insert(key);
  }
  return keys;
}

}  // namespace

Operator::Operator(Task task, Subject& live, Subject& other, MemoryReaders& readers,
                   SwapPatience patience, Clock::time_point now)
    : task_(task),
      live_(live),
      other_(other),
      swapping_({live.views(), other.views()}, readers,
                task == Task::roll_back ? SwapKind::roll_back : SwapKind::promote),
      swap_(swapping_, "the other generation", patience, now),
      comparing_({live.views(), other.views()}),
      snapshot_(comparing_, "the other generation"),
      due_(now) {}

std::string Operator::at() const {
  if (task_ == Task::compare) return snapshot_.holds() ? "compare with a lock" : "compare";
  constexpr const char* kSteps[] = {"begin",         "lock_live",
                                    "look",          "await_computed_held",
                                    "lock_other",    "require_computed",
                                    "mark",          "await_snapshots",
                                    "write",         "show",
                                    "commit",        "hurry",
                                    "await_computed"};
  return name_of(task_) + " before " + kSteps[static_cast<std::size_t>(swap_.next())];
}

std::optional<std::string> Operator::step(Clock::time_point now) {
  auto ended = task_ == Task::compare ? step_comparison(now) : step_swap(now);
  due_ = now + (task_ == Task::compare ? snapshot_.wait() : swap_.wait());
  return ended;
}

std::optional<std::string> Operator::step_swap(Clock::time_point now) {
  if (hurries()) other_.hurry();
  const auto ended = swap_.step(now);
  if (!ended) return std::nullopt;
  if (const auto* refused = std::get_if<GenerationRefusal>(&*ended)) {
    reason_ = refused->reason;
    return name_of(task_) + " refused: " + refused->word;
  }
  succeeded_ = true;
  other_.succeed(live_);
  return name_of(task_) + " done";
}

std::optional<std::string> Operator::step_comparison(Clock::time_point now) {
  const auto ended = snapshot_.step(now);
  if (!ended) return std::nullopt;
  if (const auto* refused = std::get_if<GenerationRefusal>(&*ended)) {
    return "compare refused: " + refused->word;
  }
  succeeded_ = true;
  if (live_.any_lost() || other_.any_lost()) return "compared what was lost";
  check_compared();
  const bool same = live_.projection().version == other_.projection().version;
  if (!other_.tells_as(live_)) return "compared by mended rules";
  return same ? "compared" : "compared two versions";
}

void Operator::check_compared() const {
  const auto found =
      differing(live_.published(*comparing_.live()), other_.published(*comparing_.other()));
  const auto expected = differing(live_.expected(), other_.expected());
  if (found != expected) throw Broken("two generations do not differ as their accounts do");
  const bool same = live_.projection().version == other_.projection().version;
  if (same && !found.empty()) throw Broken("two of one version differ in " + *found.begin());
}

}  // namespace sluice::simulation

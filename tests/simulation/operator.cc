#include "tests/simulation/operator.h"

#include <variant>

#include "tests/simulation/compared.h"

namespace sluice::simulation {
namespace {

using Task = Operator::Task;

constexpr const char* kOther = "the other generation";

std::string name_of(Task task) {
  switch (task) {
    case Task::promote:
      return "promote";
    case Task::promote_itself:
      return "promote itself";
    case Task::roll_back:
      return "rollback";
    case Task::compare:
      return "compare";
  }
  return {};
}

SwapKind kind_of(Task task) {
  if (task == Task::roll_back) return SwapKind::roll_back;
  return task == Task::promote_itself ? SwapKind::promote_itself : SwapKind::promote;
}

}  // namespace

Operator::Operator(Work work, MemoryReaders& readers, Clock::time_point now)
    : work_(std::move(work)),
      swapping_({work_.live.views(), work_.other.views(), work_.all}, readers, kind_of(work_.task)),
      comparing_({work_.live.views(), work_.other.views()}),
      snapshot_(comparing_, kOther),
      due_(now) {
  if (work_.task == Task::promote || work_.task == Task::roll_back) {
    swap_.emplace(swapping_, kOther, work_.patience, now);
  }
}

bool Operator::awaits_hurry() const {
  using Step = GenerationSwap::Step;
  if (!swap_) return false;
  const Step next = swap_->next();
  return next == Step::hurry || next == Step::await_computed || next == Step::await_computed_held;
}

std::string Operator::at() const {
  const std::string name = name_of(work_.task);
  if (!swap_) {
    return (work_.task == Task::compare ? name : name + " compares") +
           (snapshot_.holds() ? " with a lock" : "");
  }
  constexpr const char* kSteps[] = {"begin",         "lock_live",
                                    "look",          "await_computed_held",
                                    "lock_other",    "require_computed",
                                    "mark",          "await_snapshots",
                                    "write",         "show",
                                    "commit",        "hurry",
                                    "await_computed"};
  return name + " before " + kSteps[static_cast<std::size_t>(swap_->next())];
}

std::optional<std::string> Operator::step(Clock::time_point now) {
  auto ended = swap_ ? step_swap(now) : step_comparison(now);
  due_ = now + (swap_ ? swap_->wait() : snapshot_.wait());
  return ended;
}

std::optional<std::string> Operator::step_swap(Clock::time_point now) {
  if (hurries()) work_.other.hurry();
  const bool was_live = work_.other.is_live();
  const auto ended = swap_->step(now);
  if (!ended) return std::nullopt;
  const std::string name = name_of(work_.task);
  if (const auto* refused = std::get_if<GenerationRefusal>(&*ended)) {
    reason_ = refused->reason;
    return name + " refused: " + refused->word;
  }
  succeeded_ = true;
  swapped_ = !was_live;
  if (!swapped_) return name + " was done already";
  work_.other.succeed(work_.live);
  return name + " done";
}

std::optional<std::string> Operator::step_comparison(Clock::time_point now) {
  const auto ended = snapshot_.step(now);
  if (!ended) return std::nullopt;
  const Subject& live = work_.live;
  const Subject& other = work_.other;
  if (const auto* refused = std::get_if<GenerationRefusal>(&*ended)) {
    return name_of(work_.task) + " refused: " + refused->word;
  }
  const bool lost = live.any_lost() || other.any_lost();
  if (!lost) check_compared(live, other, comparing_);
  if (work_.task == Task::promote_itself) {
    swap_.emplace(swapping_, kOther, work_.patience, now);
    return std::nullopt;
  }
  succeeded_ = true;
  if (lost) return "compared what was lost";
  const bool same = live.projection().version == other.projection().version;
  if (!other.tells_as(live)) return "compared by mended rules";
  return same ? "compared" : "compared two versions";
}

}  // namespace sluice::simulation

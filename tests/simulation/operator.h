#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/equal_snapshot.h"
#include "storage/generation_swap.h"
#include "storage/memory/memory_swap.h"
#include "tests/simulation/subject.h"

namespace sluice::simulation {

// A command that promotes, rolls back or compares, or a program that promotes what it made by
// itself, one step at a time of the protocols that the program goes by. An operator that is dropped
// was killed between two steps.
class Operator {
 public:
  using Clock = GenerationSwap::Clock;
  // By itself it compares first, as `promote` does too, and goes on whatever differs.
  enum class Task { promote, promote_itself, roll_back, compare };

  struct Work {
    Task task = Task::compare;
    // Both are borrowed, and of one domain.
    Subject& live;
    Subject& other;
    std::function<std::vector<MemoryViews*>()> all;  // generations of the domain
    SwapPatience patience;
    std::optional<int> node = std::nullopt;  // whose process promotes by itself
  };
  Operator(Work work, MemoryReaders& readers, Clock::time_point now);

  [[nodiscard]] bool is_about(const std::string& domain) const {
    return work_.live.projection().name == domain;
  }
  [[nodiscard]] bool needs(const Subject& subject) const {
    return &work_.live == &subject || &work_.other == &subject;
  }
  [[nodiscard]] Task task() const { return work_.task; }
  [[nodiscard]] std::optional<int> node() const { return work_.node; }
  [[nodiscard]] Subject& live() const { return work_.live; }
  [[nodiscard]] Subject& other() const { return work_.other; }
  // Whether the time of its next step has come.
  [[nodiscard]] bool due(Clock::time_point now) const { return now >= due_; }
  void sleep(Clock::time_point until) { due_ = until; }

  // What has come of it, in words for a tally; nullopt: it goes on. Throws Broken where two that
  // are compared do not differ as their accounts do.
  [[nodiscard]] std::optional<std::string> step(Clock::time_point now);
  // Whether its next step tells who folds the other one to compute what is due.
  [[nodiscard]] bool hurries() const {
    return swap_ && swap_->next() == GenerationSwap::Step::hurry;
  }
  // Whether its next step commits the mark, in another session than that of its locks.
  [[nodiscard]] bool marks() const { return swap_ && swap_->next() == GenerationSwap::Step::mark; }
  // Whether it waits, from here on, for what is computed in a hurry.
  [[nodiscard]] bool awaits_hurry() const;
  // Of the step that comes next, the same.
  [[nodiscard]] std::string at() const;
  [[nodiscard]] bool succeeded() const { return succeeded_; }
  // It was this one, and nobody before it, who gave readers the other generation.
  [[nodiscard]] bool swapped() const { return swapped_; }
  // For people, where a swap was refused.
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  [[nodiscard]] std::optional<std::string> step_swap(Clock::time_point now);
  [[nodiscard]] std::optional<std::string> step_comparison(Clock::time_point now);

  const Work work_;
  MemorySwap swapping_;
  std::optional<GenerationSwap> swap_;  // nullopt: it compares
  MemoryComparison comparing_;
  EqualSnapshot snapshot_;
  Clock::time_point due_;
  bool succeeded_ = false;
  bool swapped_ = false;
  std::string reason_;
};

}  // namespace sluice::simulation

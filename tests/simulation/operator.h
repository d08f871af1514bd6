#pragma once

#include <optional>
#include <string>

#include "storage/equal_snapshot.h"
#include "storage/generation_swap.h"
#include "storage/memory/memory_swap.h"
#include "tests/simulation/subject.h"

namespace sluice::simulation {

// A command that promotes, rolls back or compares, one step at a time of the protocols that the
// program goes by. An operator that is dropped was killed between two steps.
class Operator {
 public:
  using Clock = GenerationSwap::Clock;
  enum class Task { promote, roll_back, compare };

  // Both are borrowed, and of one domain.
  Operator(Task task, Subject& live, Subject& other, MemoryReaders& readers, SwapPatience patience,
           Clock::time_point now);

  [[nodiscard]] bool is_about(const std::string& domain) const {
    return live_.projection().name == domain;
  }
  [[nodiscard]] Subject& other() { return other_; }
  // Whether the time of its next step has come.
  [[nodiscard]] bool due(Clock::time_point now) const { return now >= due_; }
  void sleep(Clock::time_point until) { due_ = until; }

  // What has come of it, in words for a tally; nullopt: it goes on. Throws Broken where two that
  // are compared do not differ as their accounts do.
  [[nodiscard]] std::optional<std::string> step(Clock::time_point now);
  // Whether its next step tells who folds the other one to compute what is due.
  [[nodiscard]] bool hurries() const {
    return task_ != Task::compare && swap_.next() == GenerationSwap::Step::hurry;
  }
  // Of the step that comes next, the same.
  [[nodiscard]] std::string at() const;
  [[nodiscard]] bool succeeded() const { return succeeded_; }
  // For people, where a swap was refused.
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  [[nodiscard]] std::optional<std::string> step_swap(Clock::time_point now);
  [[nodiscard]] std::optional<std::string> step_comparison(Clock::time_point now);
  void check_compared() const;

  const Task task_;
  Subject& live_;
  Subject& other_;
  MemorySwap swapping_;
  GenerationSwap swap_;
  MemoryComparison comparing_;
  EqualSnapshot snapshot_;
  Clock::time_point due_;
  bool succeeded_ = false;
  std::string reason_;
};

}  // namespace sluice::simulation

#pragma once

// The steps at which a simulated process can die, and the one at which it is to.

namespace sluice::simulation {

// Thrown where a process dies. It is no Error, so nothing in the engine catches it.
struct Crash {};

// A process dies the next time that it reaches the step.
enum class Step {
  none,
  before_claim,
  after_claim,
  before_append,  // of derived records
  amid_append,
  after_append,
  before_flush,  // folded in memory
  after_commit,  // the view has it, the state does not
  before_state,  // the state batch is built
  after_state,
  after_resolve,
  after_note,  // what bulk folding refused is told, the state has not come so far
  before_load,
  after_load,
  amid_restore,  // the state is gone, no snapshot is in its place
  after_restore,
};

// One a process.
class Failpoint {
 public:
  void arm(Step at) { at_ = at; }
  [[nodiscard]] Step at() const { return at_; }
  void reach(Step step) {
    if (step == at_) {
      at_ = Step::none;
      throw Crash{};
    }
  }

 private:
  Step at_ = Step::none;
};

}  // namespace sluice::simulation

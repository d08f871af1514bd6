#pragma once

// What lets a simulated process die at a named step: wrappers of its store and its sink that throw
// Crash there. Crash is no Error, so nothing in the engine catches it.

#include <functional>
#include <memory>
#include <string>

#include "storage/projection_sink.h"
#include "storage/state_store.h"

namespace sluice::simulation {

struct Crash {};

// The steps at which a process can die; the next time that one is reached.
enum class Step {
  none,
  before_take,
  after_take,
  before_append,  // of derived records
  amid_append,
  after_append,
  before_flush,  // folded in memory
  after_commit,  // the view has it, the state does not
  before_state,  // the state batch is built
  after_state,
  after_settle,
};

class DeathRow {
 public:
  void condemn(Step at) { at_ = at; }
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

class FaultySink final : public ProjectionSink {
 public:
  using Taken = std::function<void(Partition, Offset)>;
  FaultySink(ProjectionSink& sink, DeathRow& death, Taken taken)
      : sink_(sink), death_(death), taken_(std::move(taken)) {}

  Generation generation() override { return sink_.generation(); }
  ViewPosition take(Partition partition, std::string_view owner) override {
    death_.reach(Step::before_take);
    const ViewPosition view = sink_.take(partition, owner);
    taken_(partition, view.position);
    death_.reach(Step::after_take);
    return view;
  }
  std::optional<ViewPosition> position(Partition partition) override {
    const auto view = sink_.position(partition);
    death_.reach(Step::after_settle);
    return view;
  }
  FlushOutcome flush(const FlushBatch& batch) override {
    death_.reach(Step::before_flush);
    const FlushOutcome outcome = sink_.flush(batch);
    death_.reach(Step::after_commit);
    return outcome;
  }
  void show_progress(std::span<const LogProgress> progress) override {
    sink_.show_progress(progress);
  }

 private:
  ProjectionSink& sink_;
  DeathRow& death_;
  const Taken taken_;
};

class FaultyStore final : public StateStore {
 public:
  FaultyStore(std::unique_ptr<StateStore> store, DeathRow& death)
      : store_(std::move(store)), death_(death) {}

  bool get(std::string_view key, std::string& value) override { return store_->get(key, value); }
  std::unique_ptr<StateCursor> scan(std::string_view from, std::string_view to) override {
    return store_->scan(from, to);
  }
  std::unique_ptr<StateSnapshot> snapshot() override { return store_->snapshot(); }
  void write(const StateBatch& batch) override {
    death_.reach(Step::before_state);
    store_->write(batch);
    death_.reach(Step::after_state);
  }
  void clear() override { store_->clear(); }

 private:
  std::unique_ptr<StateStore> store_;
  DeathRow& death_;
};

}  // namespace sluice::simulation

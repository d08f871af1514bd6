#pragma once

// What lets a simulated process die at a named step: its sink, builder, store and snapshots, each
// wrapped so that its failpoint is reached there.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/generation_builder.h"
#include "storage/memory/memory_state.h"
#include "storage/projection_sink.h"
#include "storage/state_snapshots.h"
#include "storage/state_store.h"
#include "tests/simulation/failpoint.h"

namespace sluice::simulation {

class FaultySink final : public ProjectionSink {
 public:
  using Taken = std::function<void(Partition, Offset)>;
  FaultySink(ProjectionSink& sink, Failpoint& failpoint, Taken taken)
      : sink_(sink), failpoint_(failpoint), taken_(std::move(taken)) {}

  Generation generation() override { return sink_.generation(); }
  ViewPosition claim(Partition partition, std::string_view owner) override {
    failpoint_.reach(Step::before_claim);
    const ViewPosition view = sink_.claim(partition, owner);
    taken_(partition, view.position);
    failpoint_.reach(Step::after_claim);
    return view;
  }
  std::optional<ViewPosition> position(Partition partition) override {
    const auto view = sink_.position(partition);
    failpoint_.reach(Step::after_resolve);
    return view;
  }
  FlushOutcome flush(const FlushBatch& batch) override {
    failpoint_.reach(Step::before_flush);
    const FlushOutcome outcome = sink_.flush(batch);
    failpoint_.reach(Step::after_commit);
    return outcome;
  }
  std::vector<std::optional<ViewPosition>> show_progress(
      std::span<const LogProgress> progress) override {
    return sink_.show_progress(progress);
  }

 private:
  ProjectionSink& sink_;
  Failpoint& failpoint_;
  const Taken taken_;
};

class FaultyBuilder final : public GenerationBuilder {
 public:
  FaultyBuilder(GenerationBuilder& builder, Failpoint& failpoint)
      : builder_(builder), failpoint_(failpoint) {}

  std::map<Partition, Offset> live_positions() override { return builder_.live_positions(); }
  [[nodiscard]] bool hurries() const override { return builder_.hurries(); }
  void note(const BulkNote& note) override {
    builder_.note(note);
    failpoint_.reach(Step::after_note);
  }
  FlushOutcome load(const LoadBatch& batch) override {
    failpoint_.reach(Step::before_load);
    const FlushOutcome outcome = builder_.load(batch);
    failpoint_.reach(Step::after_load);
    return outcome;
  }
  BuildPhase advance() override { return builder_.advance(); }
  void note_ready(std::int64_t records) override { builder_.note_ready(records); }

 private:
  GenerationBuilder& builder_;
  Failpoint& failpoint_;
};

class FaultyStore final : public StateStore {
 public:
  FaultyStore(std::unique_ptr<StateStore> store, Failpoint& failpoint)
      : store_(std::move(store)), failpoint_(failpoint) {}

  bool get(std::string_view key, std::string& value) override { return store_->get(key, value); }
  std::unique_ptr<StateCursor> scan(std::string_view from, std::string_view to) override {
    return store_->scan(from, to);
  }
  std::unique_ptr<StateSnapshot> snapshot() override { return store_->snapshot(); }
  void write(const StateBatch& batch) override {
    failpoint_.reach(Step::before_state);
    store_->write(batch);
    failpoint_.reach(Step::after_state);
  }
  void clear() override { store_->clear(); }

 private:
  std::unique_ptr<StateStore> store_;
  Failpoint& failpoint_;
};

class FaultySnapshots final : public StateSnapshots {
 public:
  // `disk` is what they are restored to; `slow` says whether one is not brought yet.
  FaultySnapshots(std::unique_ptr<StateSnapshots> snapshots, MemoryState& disk,
                  Failpoint& failpoint, std::function<bool()> slow, std::function<void()> restored)
      : snapshots_(std::move(snapshots)),
        disk_(disk),
        failpoint_(failpoint),
        slow_(std::move(slow)),
        restored_(std::move(restored)) {}

  std::vector<KeptSnapshot> list() override { return snapshots_->list(); }
  Brought bring(const KeptSnapshot& snapshot) override {
    return slow_() ? Brought::under_way : snapshots_->bring(snapshot);
  }
  bool restore(const KeptSnapshot& snapshot) override {
    disk_.become(MemoryState());
    failpoint_.reach(Step::amid_restore);
    const bool whole = snapshots_->restore(snapshot);
    restored_();
    failpoint_.reach(Step::after_restore);
    return whole;
  }

 private:
  const std::unique_ptr<StateSnapshots> snapshots_;
  MemoryState& disk_;
  Failpoint& failpoint_;
  const std::function<bool()> slow_;
  const std::function<void()> restored_;
};

}  // namespace sluice::simulation

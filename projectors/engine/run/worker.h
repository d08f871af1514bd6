#pragma once

// A thread's worth of projectors: one reader of the group, the partitions that it has, their stores
// and one sink. Nothing in it is shared or locked, but the probe.

#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "projectors/engine/derived/emitter.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/run/assigned.h"
#include "projectors/engine/run/backoff.h"
#include "projectors/engine/run/following.h"
#include "projectors/engine/run/presence.h"
#include "projectors/engine/run/watched_worker.h"
#include "projectors/engine/run/worker_parts.h"
#include "storage/base/errors.h"
#include "storage/base/position.h"
#include "storage/event_log.h"
#include "storage/projection_sink.h"

namespace sluice {

class Worker final : private Ownership {
 public:
  using Clock = std::chrono::steady_clock;

  // Throws Misconfigured when the generation does not fit the projection; so does step() when it
  // does not fit the log.
  Worker(const Projection& projection, WorkerConfig config, WorkerParts parts);
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Until stopped; then flushes what is folded and lets go. Retryable failures are ridden out here;
  // Misconfigured leaves it.
  void run(const std::stop_token& stop);

  // One turn of run(): polls for up to `wait`, folds, flushes what is due, and ticks where a timer
  // is due at `wall`. For tests with clocks of their own.
  void step(Clock::time_point now, Time wall, std::chrono::milliseconds wait);

  // Flushes everything and lets go of all partitions.
  void close();

 private:
  Offset acquired(Partition partition) override;
  void lost(Partition partition) override;

  void open_reader();
  // Throws Retryable when the stream is gone: who deleted it may put it back.
  int partitions_of_stream();
  // Whether any view has folded anything.
  bool stands();
  void require_same_partitions();
  void heed_log();
  void claim(Partition partition, Assigned& assigned);
  // Waits until nobody beside this worker reads the store any more.
  static void recall(Assigned& assigned);
  void recall_all();
  static Offset begin(std::unique_ptr<Projector>& projector, LogRange log, Assigned& assigned);
  void require_version() const;
  void adopt(const Generation& found);
  void say_nothing();
  void look_at_generation();
  [[nodiscard]] bool has_turn(const Assigned& assigned) const;
  [[nodiscard]] bool may_fold(const Assigned& assigned) const;
  // What the reader gave: of one partition after the other.
  void fold(std::span<const LogRecord> records);
  void fold_batch(std::span<const LogRecord> records);
  void load(Partition partition, Assigned& assigned);
  void service(Partition partition, Assigned& assigned);
  void go_on(Partition partition, Assigned& assigned);
  void flush(Assigned& assigned);
  void works_again(Assigned& assigned);
  [[nodiscard]] bool flush_due(Partition partition, const Assigned& assigned) const;
  // Throws Corrupt once everything before the damage is flushed.
  void stop_at_damage(Assigned& assigned);
  void heed_open_transaction(Partition partition, Assigned& assigned);
  // Throws Corrupt where the log no longer has what was folded before.
  void require_awaited(Partition partition, Assigned& assigned);
  // Throws Retryable; what it may have appended then does no harm.
  void tick(Partition partition, Assigned& assigned);
  void resume(Partition partition, Assigned& assigned);
  void hold(Partition partition, Assigned& assigned);
  void troubled(Partition partition, Assigned& assigned, const char* why);
  void stop(Partition partition, Assigned& assigned, const std::string& why);
  void try_again(Partition partition, Assigned& assigned, const Error& failure);
  // To threads beside it.
  void enter(WorkerPhase phase, std::optional<Partition> partition = std::nullopt);
  [[nodiscard]] HeldPartition held(Partition partition, Assigned& assigned) const;
  void tell_whom_it_has();
  void note_recovery(Partition partition, Assigned& assigned);
  // The beat: says how each partition is, and learns where its view is.
  void show_progress();
  void take_note(Partition partition, Assigned& assigned);
  void show_group();
  void serve_errands();
  void compare(Partition partition, Assigned& assigned, const std::optional<ViewPosition>& view);
  void go_on_if_changed(Assigned& assigned, const std::optional<ViewPosition>& view);
  void take_anew(Partition partition, Assigned& assigned);
  void read(std::chrono::milliseconds wait);
  void flush_all();
  void log_away(const Retryable& failure);
  void read_anew(const Unreadable& failure);
  // Runs `work` of one partition; what it throws becomes what is done about it.
  template <class Work>
  void guarded(Partition partition, Assigned& assigned, Work work) {
    try {
      work();
    } catch (const std::exception&) {
      react(partition, assigned);
    }
  }
  // To the exception that is being handled.
  void react(Partition partition, Assigned& assigned);
  [[nodiscard]] std::string label(Partition partition) const;

  const Projection& projection_;
  const WorkerConfig config_;
  const WorkerParts parts_;
  Presence presence_;
  Emitter emitter_;
  const std::string stream_;
  Generation generation_;
  Following following_;
  std::unique_ptr<EventReader> reader_;
  bool has_read_ = false;
  std::map<Partition, Assigned> assigned_;
  std::vector<HeldPartition> away_;  // partitions that were ours when the log went away
  std::string log_trouble_;          // why the log went away
  Clock::time_point now_;
  Time wall_;
  Clock::time_point next_progress_;
  Backoff reader_backoff_;
  std::uint64_t claims_ = 0;
  Clock::duration flushing_{0};  // in all flushes so far
  std::minstd_rand jitter_;
};

}  // namespace sluice

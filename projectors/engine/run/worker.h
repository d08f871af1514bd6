#pragma once

// A thread's worth of projectors: one reader of the group, the partitions that it has, their stores
// and one sink. Nothing in it is shared or locked, but the probe.

#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include "projectors/engine/run/backoff.h"
#include "projectors/engine/run/flush_pace.h"
#include "projectors/engine/run/presence.h"
#include "projectors/engine/run/probe.h"
#include "projectors/engine/run/projector.h"
#include "projectors/engine/time/ticker.h"
#include "storage/base/errors.h"
#include "storage/base/steadied_clock.h"
#include "storage/event_log.h"
#include "storage/generation_builder.h"
#include "storage/log_topology.h"
#include "storage/projection_sink.h"
#include "storage/state_store.h"

namespace sluice {

struct WorkerConfig {
  // For people: under this the probe has what keeps all of it from working.
  std::string name;
  // Tells this worker from every other that ever was: part of the owner that Postgres knows.
  std::string instance;
  // The name of its sink's session, by which the view tells what that waits for.
  std::string session;
  FlushPace pace;
  std::chrono::milliseconds progress_interval{1000};
  // How often a generation that readers do not see asks where the live one is.
  std::chrono::milliseconds follow_interval{100};
  // So close to the live one's position, in records, bulk folding ends and rows are loaded.
  std::int64_t loads_within = 10'000;
  Backoff::Limits backoff;  // while something is away
  ProjectorLimits limits;
  // The part of a core that building a generation may take on this thread, above 0 and up to 1, and
  // of the database's time in proportion.
  std::function<double()> share = [] { return 1.0; };
  // What ticks are stamped by.
  std::function<Time()> wall = SteadiedClock::system_wall;
};

// What a worker is built on. Called on the worker's thread.
struct WorkerParts {
  std::function<std::unique_ptr<EventReader>(Ownership&)> open_reader;
  std::function<std::unique_ptr<StateStore>(Partition)> open_store;
  LogTopology& topology;
  EventWriter& writer;  // for what is emitted, and for ticks
  ProjectionSink& sink;
  Probe& probe;
  RowMemory& memory;                     // of the process
  Computations* computations = nullptr;  // of the process; null: nothing is computed
  GenerationBuilder* builder = nullptr;  // of the sink's generation; null: that is the live one
  // Why the log is not the one that the views stand on, so that nothing of it may be folded.
  // Asked once a second.
  std::function<std::optional<std::string>()> wrong_log = [] {
    return std::optional<std::string>();
  };
};

class Worker final : private Ownership {
 public:
  using Clock = std::chrono::steady_clock;

  // Throws Misconfigured when the generation does not fit the projection; so does step() when it
  // does not fit the log.
  Worker(const Projection& projection, WorkerConfig config, WorkerParts parts);
  ~Worker() override;

  // Until stopped; then flushes what is folded and lets go. Retryable failures are ridden out here;
  // Misconfigured leaves it.
  void run(const std::stop_token& stop);

  // One turn of run(): polls for up to `wait`, folds, flushes what is due, and ticks where a timer
  // is due at `wall`. For tests with clocks of their own.
  void step(Clock::time_point now, Time wall, std::chrono::milliseconds wait);

  // Flushes everything and lets go of all partitions.
  void close();

 private:
  struct Assigned {
    std::unique_ptr<StateStore> store;
    std::unique_ptr<Projector> projector;  // null: to be taken again, unless stopped
    std::string owner;                     // as whom it was last taken
    std::string trouble;                   // why nothing is folded now; empty while it is
    std::string told;                      // what the heartbeat says of that
    std::string damage;                    // of the log, where the reader came to; empty: none
    bool stopped = false;                  // until its view, or what was said of its log, changes
    std::optional<ViewPosition> stopped_view;  // where that stood
    bool another_log = false;                  // stopped by what was said of its log
    bool fenced = false;                       // another took it, or moved it, since we did
    bool paused = false;
    bool caught_up = false;  // all that can be read was given to the projector
    // Since when it is so though a record is awaited that was folded before.
    std::optional<Clock::time_point> missing_since;
    // Since when it is so though the log has more, behind a transaction that is open.
    std::optional<Clock::time_point> held_back_since;
    bool held_back = false;         // long enough to be told of
    Offset log_end;                 // as last seen; inside lost() the reader is not asked any more
    std::optional<Offset> flushed;  // the view's position, as last known
    std::optional<Time> complete_at;  // up to then the view lacked nothing of the log
    Recovery began;
    Clock::duration folding{0};  // of what the poll at hand has brought
    Clock::time_point claimed_at;
    Clock::time_point last_flush;
    Backoff backoff;
    std::uint64_t folded = 0;  // since the last flush
    Ticker ticker;
  };

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
  // worker_following.cc
  void require_version() const;
  void look_at_generation();
  void look_at_live();
  [[nodiscard]] std::optional<Offset> limit(Partition partition) const;
  [[nodiscard]] bool at_limit(Partition partition, const Assigned& assigned) const;
  [[nodiscard]] bool load_due(Partition partition, const Assigned& assigned) const;
  [[nodiscard]] bool may_fold(Partition partition, const Assigned& assigned) const;
  void build(Partition partition, Assigned& assigned);
  [[nodiscard]] bool builds() const;
  void rest(std::chrono::nanoseconds worked, const std::stop_token& stop) const;
  // What the reader gave: of one partition after the other.
  void fold(std::span<const LogRecord> records);
  void fold_batch(std::span<const LogRecord> records);
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
  void try_again(Partition partition, Assigned& assigned, const Error& failure);
  // To threads beside it.
  void enter(Probe::Phase phase, std::optional<Partition> partition = std::nullopt);
  [[nodiscard]] Probe::Held held(Partition partition, Assigned& assigned) const;
  void tell_whom_it_has();
  void note_recovery(Partition partition, Assigned& assigned);
  // The beat: says how each partition is, and learns where its view is.
  void show_progress();
  void take_note(Partition partition, Assigned& assigned);
  void show_group();
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
  // Of a generation that readers do not see: where the live one is, and how far the build.
  std::map<Partition, Offset> live_positions_;
  BuildPhase phase_ = BuildPhase::folding;
  Clock::time_point next_look_at_live_;
  std::unique_ptr<EventReader> reader_;
  bool has_read_ = false;
  std::map<Partition, Assigned> assigned_;
  std::vector<Probe::Held> away_;  // partitions that were ours when the log went away
  std::string log_trouble_;        // why the log went away
  Clock::time_point now_;
  Time wall_;
  Clock::time_point next_progress_;
  Backoff reader_backoff_;
  std::uint64_t claims_ = 0;
  Clock::duration flushing_{0};  // in all flushes so far
  std::minstd_rand jitter_;
};

}  // namespace sluice

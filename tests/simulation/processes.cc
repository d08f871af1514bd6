// The processes of the world: they start, take turns, die, sleep and deal out partitions.

#include <algorithm>

#include "sluice/state.pb.h"
#include "storage/base/errors.h"
#include "tests/simulation/world.h"

namespace sluice::simulation {
namespace {

using std::chrono::milliseconds;

// So little that rows and orders are let go of all the time.
constexpr RowMemory::Parts kRows{.changed = 6000, .at_hand = 6000, .orders = 2000};
constexpr int kSharers = 4;

WorkerConfig config_of(const std::string& instance) {
  WorkerConfig config;
  config.instance = instance;
  config.following.loads_within = 6;
  config.limits = {
      .dirty_rows = 6,
      .parked_limit = kParkedShown,
      .records_an_append = 3,
      // So small that sealing, merging and turning segments over happen all the time.
      .dedupe = {.open_marks = 8,
                 .page_marks = 4,
                 .segment_marks = 32,
                 .slices = 4,
                 .fan_in = 3,
                 .merge_pace = 2,
                 .merge_marks_min = 4,
                 .filter_bytes_max = 1 << 12},
      .index = {.page_bytes = 32, .fan_in = 2, .merge_pace = 2, .merge_least = 2, .time_every = 4}};
  return config;
}

LogRecord record_at(MemoryLog& log, const std::string& stream, Partition partition, Offset offset) {
  const auto& records = log.records(stream, partition);
  const auto found = std::ranges::lower_bound(records, offset, {},
                                              [](const auto& record) { return record.offset; });
  if (found == records.end() || found->offset != offset) throw Corrupt("no such record");
  return {partition,    found->offset,  found->appended_at,
          found->key(), found->value(), found->stamped_by_log};
}

}  // namespace

void World::start(Node& node) {
  ++node.incarnation;
  node.computing.clear();
  node.computations = std::make_unique<Computations>(
      ComputationPace{.interval_min = milliseconds{200}, .interval_times = 2, .keys_max = 2},
      ComputationRoom{.results = 2},
      ComputationClocks{[this] { return steady_; }, [this] { return wall_; }});
  node.memory = std::make_unique<RowMemory>(kRows, kSharers);
  for (Seat& seat : node.seats) start(node, seat);
}

void World::start(Node& node, Seat& seat) {
  seat.sink = std::make_unique<MemorySink>(seat.subject->views());
  seat.writer = std::make_unique<FaultyWriter>(
      log_.writer(), node.failpoint, late_,
      [this, &seat](Partition p, Time at) { check_tick(*seat.subject, p, at); });
  seat.faulty_sink = std::make_unique<FaultySink>(
      *seat.sink, node.failpoint, [&seat](Partition p, Offset at) { seat.writer->taken(p, at); });
  seat.builder = std::make_unique<MemoryBuilder>(*seat.sink);
  seat.faulty_builder = std::make_unique<FaultyBuilder>(*seat.builder, node.failpoint);
  WorkerParts parts{
      .open_reader =
          [this, &seat](Ownership& ownership) {
            return log_.reader(seat.subject->stream(), seat.assignment, ownership);
          },
      .open_store =
          [&node, &seat](Partition partition) {
            return std::make_unique<FaultyStore>(
                std::make_unique<MemoryStateStore>(seat.disks[partition]), node.failpoint);
          },
      .topology = log_,
      .writer = *seat.writer,
      .sink = *seat.faulty_sink,
      .probe = node.probe,
      .memory = *node.memory,
      .computations = node.computations.get(),
      .builder = seat.faulty_builder.get(),
      .read_records = [this, &seat](Partition partition) -> ReadRecord {
        return [this, &seat, partition](Offset offset) {
          return record_at(log_, seat.subject->stream(), partition, offset);
        };
      },
      .open_snapshots =
          [this, &node, &seat](const Generation&, Partition partition, StateStore&) {
            return shelves_.open({seat.subject, partition}, seat.disks[partition], node.failpoint);
          }};
  const Projection& rules = domain(seat.subject->projection().name, node.version).projection;
  const std::string instance = "v" + std::to_string(rules.version) + "." +
                               std::to_string(node.index) + "." + std::to_string(node.incarnation);
  try {
    seat.worker = std::make_unique<Worker>(rules, config_of(instance), std::move(parts));
  } catch (const Misconfigured&) {
    count("left to another program");
  }
}

// A tick has a reason: by all that the log holds something is to happen, at the tick's time or
// before, which lags the clock.
void World::check_tick(Subject& subject, Partition partition, Time recorded_at) {
  count("ticked");
  const auto where = subject.where(partition, log_.range(subject.stream(), partition).end.value);
  if (recorded_at > wall_ - milliseconds{500}) throw Broken("a tick too early" + where);
  const std::optional<std::int64_t> due = subject.next_due_at_end(partition);
  if (!due || *due > recorded_at.time_since_epoch().count()) {
    throw Broken("a tick without a reason" + where);
  }
}

void World::turn(Node& node, Seat& seat) {
  if (node.asleep > 0) {
    --node.asleep;
    return;
  }
  if (!seat.worker) return;
  try {
    seat.worker->step(steady_, wall_, milliseconds{0});
  } catch (const Crash&) {
    count("died at a step");
    crash(node);
  }
}

// A thread of the pool begins the next computation or ends one.
void World::compute(Node& node) {
  if (!node.computing.empty() && chance(60)) {
    count("computed");
    node.computations->finish(std::move(node.computing.front()));
    node.computing.erase(node.computing.begin());
  } else if (auto running = node.computations->begin()) {
    node.computing.push_back(std::move(running));
  }
}

void World::stop_all() {
  for (Node& node : nodes_) {
    for (Seat& seat : node.seats) seat.worker.reset();
  }
}

void World::crash(Node& node) {
  count("crash");
  end_commands_of(node);
  for (Seat& seat : node.seats) {
    seat.worker.reset();
    // The disk keeps a prefix of what was written to it.
    for (auto& [partition, disk] : seat.disks) {
      if (chance(40)) disk.lose_newest(static_cast<std::size_t>(below(6)));
    }
  }
  node.failpoint.arm(Step::none);
  node.asleep = 0;
  start(node);
}

void World::arm_failpoint(Node& node) {
  constexpr Step kSteps[] = {Step::before_claim,  Step::after_claim,  Step::before_append,
                             Step::amid_append,   Step::after_append, Step::before_flush,
                             Step::after_commit,  Step::before_state, Step::after_state,
                             Step::after_resolve, Step::after_note,   Step::before_load,
                             Step::after_load,    Step::amid_restore, Step::after_restore};
  node.failpoint.arm(kSteps[below(std::size(kSteps))]);
}

void World::sleep(Node& node) {
  count("asleep");
  node.asleep = 5 + below(40);
}

void World::deal(const Subject& subject) {
  const auto seat_at = [&](Node& node) -> Seat& {
    return *std::ranges::find(node.seats, &subject, &Seat::subject);
  };
  std::vector<Seat*> taking;
  for (Node& node : nodes_) {
    Seat& seat = seat_at(node);
    seat.assignment.partitions.clear();
    if (seat.worker) taking.push_back(&seat);
  }
  for (int p = 0; p < kPartitions && !taking.empty(); ++p) {
    Seat& seat = *taking[static_cast<std::size_t>(below(static_cast<int>(taking.size())))];
    seat.assignment.partitions.push_back(Partition{p});
  }
}

void World::rebalance() {
  count("rebalanced");
  for (const auto& subject : generations_.all()) deal(*subject);
}

// Between two steps of a worker, as an errand finds its state.
void World::make_snapshot() {
  const Seat& seat = random_seat(random_node());
  if (seat.disks.empty()) return;
  const auto& [partition, disk] =
      *std::next(seat.disks.begin(), below(static_cast<int>(seat.disks.size())));
  shelves_.keep({seat.subject, partition}, disk);
}

void World::lose_state() {
  count("state lost");
  Node& node = random_node();
  for (Seat& seat : node.seats) {
    seat.worker.reset();
    seat.disks.clear();
  }
  crash(node);
}

// Rows before state: a state that is ahead of the view costs a refold, so only a restore of the
// view may leave one.
void World::check_state() {
  for (const Node& node : nodes_) {
    for (const Seat& seat : node.seats) {
      for (const auto& [partition, disk] : seat.disks) {
        const auto stored = disk.rows().find("head");
        StateCheckpoint head;
        if (stored != disk.rows().end()) head.ParseFromString(stored->second);
        // Once it was allowed it may come back: a crash can lose the batch that cleared it.
        if (head.position() > seat.subject->views().position(partition).known().value &&
            !seat.ahead.contains(partition)) {
          throw Broken("state is ahead of the view" +
                       seat.subject->where(partition, head.position()));
        }
      }
    }
  }
}

}  // namespace sluice::simulation

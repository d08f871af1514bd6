// A machine whose wall clock jumps by hours under running auctions: nothing of the next two hours
// closes early, nothing of now closes late, and time never goes back. On the log in memory and on
// the embedded one, each stamped by a steadied clock.

#include <algorithm>
#include <catch2/catch.hpp>

#include "projectors/auction/projection.h"
#include "projectors/engine/run/worker.h"
#include "storage/embedded/embedded_log.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/ample_memory.h"
#include "tests/support/auction_facts.h"
#include "tests/support/temp_dir.h"

namespace sluice {
namespace {

using namespace auctions;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr Partition kOnly{0};
const std::string kStream = "auction.events";

// A machine with both of its clocks; time passes on both, and the wall clock may jump.
struct Machine {
  milliseconds steady{1h};
  Time wall{milliseconds{kBegin}};
  void pass(milliseconds time) {
    steady += time;
    wall += time;
  }
};

// A log on that machine, and the time that it stamps with.
struct StampedLog {
  LogTopology* topology = nullptr;
  std::function<Time()> now;
  std::function<std::unique_ptr<EventWriter>()> writer;
  std::function<std::unique_ptr<EventReader>(Ownership&)> reader;
  std::function<bool()> jumped;
};

class InMemory {
 public:
  explicit InMemory(Machine& machine)
      : clock_([&machine] { return machine.wall; }, [&machine] { return machine.steady; }) {
    assignment_.partitions = {kOnly};
  }
  StampedLog log() {
    return {&log_, [this] { return clock_.now(); }, [this] { return log_.writer(); },
            [this](Ownership& o) { return log_.reader(kStream, assignment_, o); },
            [this] { return clock_.jumped() != 0ms; }};
  }

 private:
  SteadiedClock clock_;
  MemoryLog log_{[this] { return clock_.now(); }};
  MemoryAssignment assignment_;
};

class OnDisk {
 public:
  explicit OnDisk(Machine& machine)
      : log_(EmbeddedLog::open(dir_.path(), {.clock = [&machine] { return machine.wall; },
                                             .steady = [&machine] { return machine.steady; }})) {}
  StampedLog log() {
    return {log_.get(), [this] { return log_->clock().now(); }, [this] { return log_->writer(); },
            [this](Ownership& o) { return log_->reader(kStream, {kOnly}, o); },
            [this] { return !log_->clock().advice().empty(); }};
  }

 private:
  const testing::TempDir dir_;
  std::unique_ptr<EmbeddedLog> log_;
};

// Auctions on that log, and the worker of their only partition.
class House {
 public:
  House(Machine& machine, StampedLog log) : machine_(machine), log_(std::move(log)), sink_(views_) {
    log_.topology->create(kStream, 1);
    writer_ = log_.writer();
    WorkerConfig config;
    config.wall = log_.now;
    worker_ = std::make_unique<Worker>(
        projection_, config,
        WorkerParts{
            .open_reader = log_.reader,
            .open_store = [this](Partition) { return std::make_unique<MemoryStateStore>(state_); },
            .topology = *log_.topology,
            .writer = *writer_,
            .sink = sink_,
            .probe = probe_,
            .memory = memory_});
  }

  // A session that ends so long after now, by the time that people read off the log.
  void open(const std::string& session, milliseconds length) {
    const std::int64_t now = log_.now().time_since_epoch().count();
    Terms terms;
    terms.starts_at = now;
    terms.ends_at = now + length.count();
    Envelope envelope;
    envelope.set_id(session);
    envelope.set_key(session);
    *envelope.mutable_actor() = service();
    envelope.set_recorded_at(now);
    envelope.set_payload(created(session, "olga", terms).SerializeAsString());
    const std::string value = envelope.SerializeAsString();
    NewRecord record{kOnly, session, value};
    writer_->append(kStream, {&record, 1});
  }
  void live(milliseconds time) {
    constexpr milliseconds kTurn{100};
    for (milliseconds lived{0}; lived < time; lived += kTurn) {
      machine_.pass(kTurn);
      worker_->step(Worker::Clock::time_point(machine_.steady), log_.now(), 0ms);
      const Time time_now = log_.now();
      CHECK(time_now >= last_);
      last_ = time_now;
    }
  }
  [[nodiscard]] std::vector<std::string> closed() const {
    std::vector<std::string> names;
    views_.for_each_row<auction::Session>([&](const auction::Session& row) {
      if (row.status() == auction::SESSION_STATUS_CLOSED) names.push_back(row.session_id());
    });
    std::ranges::sort(names);
    return names;
  }
  [[nodiscard]] bool told() const { return log_.jumped(); }

 private:
  Machine& machine_;
  StampedLog log_;
  MemoryViews views_{{.projection = "auction",
                      .unique_id = "g",
                      .version = Auction::kVersion,
                      .partitions = 1,
                      .dedupe_horizon = 1h,
                      .live = true}};
  MemorySink sink_;
  MemoryState state_;
  Probe probe_;
  RowMemory memory_ = ample_memory();
  const Projection projection_ = describe<Auction>("auction");
  std::unique_ptr<EventWriter> writer_;
  Time last_;
  std::unique_ptr<Worker> worker_;
};

using Names = std::vector<std::string>;

template <class Kept>
void jumps_close_nothing_early() {
  Machine machine;
  Kept kept(machine);
  House house(machine, kept.log());
  house.open("hour", 1h);
  house.open("minutes", 4min);
  house.open("seconds", 30s);
  house.live(1min);
  CHECK(house.closed() == Names{"seconds"});
  CHECK_FALSE(house.told());

  machine.wall += 2h;
  house.live(1min);
  CHECK(house.told());
  CHECK(house.closed() == Names{"seconds"});
  // Ticks go on, by the time that is believed.
  house.open("ahead", 30s);
  house.live(3min);
  CHECK(house.closed() == Names{"ahead", "minutes", "seconds"});

  machine.wall -= 2h;
  house.live(1min);
  CHECK_FALSE(house.told());
  house.open("after", 30s);
  house.live(1min);
  CHECK(house.closed() == Names{"after", "ahead", "minutes", "seconds"});

  // Back beyond where it was: time stands by the steady clock, and does not stop.
  machine.wall -= 2h;
  house.open("behind", 30s);
  house.live(1min);
  CHECK(house.told());
  CHECK(house.closed() == Names{"after", "ahead", "behind", "minutes", "seconds"});
  house.live(1h);
  CHECK(house.closed().size() == 6);
}

}  // namespace

TEST_CASE("a clock that jumps closes nothing early and nothing late, on the log in memory") {
  jumps_close_nothing_early<InMemory>();
}

TEST_CASE("a clock that jumps closes nothing early and nothing late, on the embedded log") {
  jumps_close_nothing_early<OnDisk>();
}

}  // namespace sluice

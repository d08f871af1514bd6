// Partitions of a process that share memory for rows.

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>

#include "projectors/engine/run/worker.h"
#include "projectors/engine/tables/row_memory.h"
#include "storage/base/partitioner.h"
#include "storage/memory/memory_builder.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/leader.h"
#include "tests/simulation/side.h"
#include "tests/simulation/tally/projection.h"

namespace sluice {
namespace {

constexpr RowMemory::Parts kParts{.changed = 400'000, .at_hand = 300'000, .orders = 1000};

// A partition of boxes that grow.
class Boxes {
 public:
  explicit Boxes(RowMemory& memory) {
    log_.create("roster.events", 1);
    side.memory = &memory;
  }

  void grow(int members) {
    for (int i = 0; i < members; ++i) {
      tally::Event event;
      event.mutable_member_added()->set_box_id("box");
      event.mutable_member_added()->set_member("m" + std::to_string(members_));
      side.post(event, "box", std::to_string(members_++));
    }
    side.fold();
  }
  // How many facts fill the part of memory that it has; then they are flushed.
  int fill() {
    const int before = members_;
    do grow(1);
    while (!side.projector->full());
    side.flush();
    return members_ - before;
  }
  // Until most of the memory for rows that need not be written is used.
  void fill_at_hand() {
    do fill();
    while (row_bytes() < 250'000);
  }
  [[nodiscard]] std::size_t row_bytes() const {
    return side.projector->folded().tables().row_bytes();
  }
  bool counts_its_members() {
    return side.rows<tally::Box>().front().members() ==
           static_cast<int>(side.rows<tally::Member>().size());
  }

 private:
  MemoryLog log_{[this] { return side.now; }};
  int members_ = 0;

 public:
  Side side{log_, describe<Tally>("tally")};
};

TEST_CASE("a partition may change more rows between flushes while the others are quiet") {
  RowMemory memory(kParts, 2);
  Boxes one(memory);
  Boxes two(memory);
  two.grow(1);
  const int alone = one.fill();
  const int alone_again = one.fill();
  CHECK(alone > 100);
  CHECK(std::abs(alone - alone_again) <= alone / 10);
  two.fill();
  const int beside = one.fill();
  CHECK(beside > alone * 4 / 10);
  CHECK(beside < alone * 6 / 10);
  // Gone, it holds nothing.
  two.side.projector.reset();
  CHECK(std::abs(one.fill() - alone) <= alone / 10);
}

TEST_CASE("a partition with nothing to do lets go of rows when another becomes busy") {
  RowMemory memory(kParts, 2);
  Boxes idle(memory);
  idle.fill_at_hand();
  idle.side.projector->maintain();
  CHECK(idle.row_bytes() > 200'000);
  Boxes busy(memory);
  busy.fill();
  idle.side.projector->maintain();
  CHECK(idle.row_bytes() <= memory.at_hand());
  CHECK(idle.row_bytes() > 0);
  // What it let go of is in its state.
  idle.fill();
  CHECK(idle.counts_its_members());
}

TEST_CASE("a partition that folds nothing for long leaves its rows to those that are busy") {
  RowMemory memory(kParts, 2);
  Boxes idle(memory);
  idle.fill_at_hand();
  // Nobody needs what it holds.
  idle.side.projector->rest();
  CHECK(idle.row_bytes() > 200'000);
  Boxes busy(memory);
  busy.fill();
  const std::size_t beside = memory.at_hand();
  // What is not flushed stays.
  idle.grow(1);
  idle.side.projector->rest();
  CHECK(idle.row_bytes() > memory.quiet());
  idle.side.flush();
  idle.side.projector->rest();
  CHECK(idle.row_bytes() <= memory.quiet());
  CHECK(memory.at_hand() > beside);
  // What it let go of is in its state.
  idle.fill();
  CHECK(idle.counts_its_members());
}

// A worker that builds a generation of two partitions.
class Building {
 public:
  static constexpr int kPartitions = 2;
  static constexpr int kRecords = 40;

  Building() : log_([this] { return wall_; }), views(generation(false)), sink_(views) {
    views.build_beside(leader_);
    log_.create("tally.events", kPartitions);
    log_.create("roster.events", 1);
    log_.set_poll_records(7);
    writer_ = log_.writer();
    for (const Partition each : {first, second}) {
      for (int i = 0; i < kRecords; ++i) add(each, i);
    }
    assignment_.partitions = {first, second};
    WorkerConfig config;
    // Each record is written, so that the view tells how far it came.
    config.limits.dirty_rows = 1;
    worker_ = std::make_unique<Worker>(
        projection_, config,
        WorkerParts{
            .open_reader =
                [this](Ownership& o) { return log_.reader("tally.events", assignment_, o); },
            .open_store =
                [this](Partition of) { return std::make_unique<MemoryStateStore>(states_[of]); },
            .topology = log_,
            .writer = *writer_,
            .sink = sink_,
            .probe = probe_,
            .memory = memory_,
            .builder = &builder_});
  }

  void turn() {
    wall_ += std::chrono::milliseconds{20};
    steady_ += std::chrono::milliseconds{20};
    worker_->step(steady_, wall_, std::chrono::milliseconds{0});
  }
  [[nodiscard]] std::int64_t folded(Partition of) const { return views.position(of).folded.value; }
  // Nothing can be read of it, or all again.
  void hold_back(Partition of, std::optional<Offset> from) {
    log_.hold_back("tally.events", of, from);
  }

  const Partition first{0};
  const Partition second{1};

 private:
  static Generation generation(bool live) {
    return {.projection = "tally",
            .number = 1,
            .unique_id = "g",
            .version = Tally::kVersion,
            .partitions = kPartitions,
            .dedupe_horizon = std::chrono::milliseconds{1000},
            .live = live};
  }
  void add(Partition to, int number) {
    std::string box = "b";
    while (partition_of(box, kPartitions) != to) box += "b";
    tally::Event event;
    event.mutable_member_added()->set_box_id(box);
    event.mutable_member_added()->set_member(std::to_string(number));
    Envelope envelope;
    envelope.set_id(box + std::to_string(number));
    envelope.set_key(box);
    envelope.set_recorded_at(wall_.time_since_epoch().count());
    envelope.set_payload(event.SerializeAsString());
    const std::string value = envelope.SerializeAsString();
    NewRecord record{to, box, value};
    writer_->append("tally.events", {&record, 1});
  }

  Time wall_{std::chrono::milliseconds{1'700'000'000'000}};
  MemoryLog log_;
  const MemoryViews leader_ = far_ahead(generation(true));

 public:
  MemoryViews views;

 private:
  MemorySink sink_;
  MemoryBuilder builder_{sink_};
  Probe probe_;
  RowMemory memory_{kParts, kPartitions};
  const Projection projection_ = describe<Tally>("tally");
  std::map<Partition, MemoryState> states_;
  MemoryAssignment assignment_;
  std::unique_ptr<EventWriter> writer_;
  Worker::Clock::time_point steady_{std::chrono::hours(1)};
  std::unique_ptr<Worker> worker_;
};

TEST_CASE("a generation is built one partition after the other, each with the memory of both") {
  Building building;
  for (int turns = 0; turns < 500 && building.folded(building.second) < Building::kRecords;
       ++turns) {
    building.turn();
    const bool in_turn = building.folded(building.first) == Building::kRecords ||
                         building.folded(building.second) == 0;
    REQUIRE(in_turn);
  }
  CHECK(building.folded(building.second) == Building::kRecords);
}

TEST_CASE("a partition that cannot go on keeps no other from being built") {
  Building building;
  building.hold_back(building.first, Offset{3});
  for (int turns = 0; turns < 500; ++turns) building.turn();
  CHECK(building.folded(building.first) == 3);
  CHECK(building.folded(building.second) == Building::kRecords);
  building.hold_back(building.first, std::nullopt);
  for (int turns = 0; turns < 500; ++turns) building.turn();
  CHECK(building.folded(building.first) == Building::kRecords);
}

}  // namespace
}  // namespace sluice

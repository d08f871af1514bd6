#include "tests/simulation/watched_process.h"

#include "sluice/envelope.pb.h"

namespace sluice::testing {
namespace {

constexpr milliseconds kTurn{20};
constexpr int kTurnsALook = Monitor::kBetweenLooks / kTurn;

}  // namespace

WatchedProcess::WatchedProcess()
    : log([this] { return wall_; }),
      views({.projection = "tally",
             .number = 1,
             .unique_id = "g",
             .version = Tally::kVersion,
             .partitions = 1,
             .dedupe_horizon = milliseconds{1000},
             .live = true},
            [this] { return steady_; }),
      sink(views),
      eyes(views),
      probe([this] { return steady_; }),
      monitor(
          {.projections = {{"tally", kStream, [](int) { return std::string("sluice.tally.g1"); }}},
           .instance = "host:1:x",
           .member = {},
           .clock = [this] { return steady_; }},
          {eyes, log, nullptr, probe}) {
  log.create(kStream, 1);
  log.create("roster.events", 1);
  writer_ = log.writer();
  assignment_.partitions = {kOnly};
  start_worker();
}

void WatchedProcess::start_worker() {
  worker.reset();
  WorkerConfig config;
  config.name = "tally worker 0";
  config.wall = [this] { return wall_; };
  config.instance = "host:1:x/" + std::to_string(starts_++);
  config.session = kSession;
  worker = std::make_unique<Worker>(
      projection_, config,
      WorkerParts{
          .open_reader = [this](Ownership& o) { return log.reader(kStream, assignment_, o); },
          .open_store = [this](Partition) { return std::make_unique<MemoryStateStore>(state_); },
          .topology = log,
          .writer = *writer_,
          .sink = sink,
          .probe = probe,
          .memory = memory_,
          .errands = &errands,
          .open_snapshots =
              [this](const Generation&, Partition, StateStore&) {
                return std::make_unique<MemorySnapshots>(shelf, state_);
              },
          .state_folder = [](Partition) { return std::string("/data/state/tally-g1/0"); }});
}

void WatchedProcess::add(const std::string& box, const std::string& member) {
  tally::Event event;
  event.mutable_member_added()->set_box_id(box);
  event.mutable_member_added()->set_member(member);
  post(event, box, box + member);
}

void WatchedProcess::empty(const std::string& box) {
  tally::Event event;
  event.mutable_box_emptied()->set_box_id(box);
  post(event, box, box + " is emptied");
}

void WatchedProcess::post(const tally::Event& event, const std::string& box,
                          const std::string& id) {
  Envelope envelope;
  envelope.set_id(id);
  envelope.set_key(box);
  envelope.set_recorded_at(wall_.time_since_epoch().count());
  envelope.set_payload(event.SerializeAsString());
  const std::string value = envelope.SerializeAsString();
  NewRecord record{kOnly, box, value};
  writer_->append(kStream, {&record, 1});
}

void WatchedProcess::live(milliseconds time) {
  const auto end = steady_ + time;
  while (steady_ < end) {
    for (int turn = 0; turn < kTurnsALook; ++turn) {
      pass(kTurn);
      worker->step(steady_, wall_, milliseconds{0});
    }
    monitor.look();
  }
}

void WatchedProcess::stand_still(milliseconds time) {
  const auto end = steady_ + time;
  while (steady_ < end) {
    pass(Monitor::kBetweenLooks);
    monitor.look();
  }
}

std::string WatchedProcess::troubles() const {
  std::string all;
  for (const std::string& each : monitor.troubles()) all += each + "\n";
  return all;
}

}  // namespace sluice::testing

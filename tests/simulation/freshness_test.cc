// How old what a view does not show is: as the view tells it, and as its process does.

#include <catch2/catch.hpp>

#include "projectors/engine/run/watched_worker.h"
#include "storage/base/errors.h"
#include "tests/simulation/watched_process.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using testing::kOnly;
using testing::kStream;
using Process = testing::WatchedProcess;

constexpr milliseconds kNone{0};
constexpr milliseconds kBeat{1000};
constexpr milliseconds kSoon{2000};
constexpr milliseconds kLong = std::chrono::hours(1);
const std::string kLabel = "tally:0";

// As /metrics has it.
std::optional<milliseconds> by_process(const Process& process) {
  const auto workers = process.probe.workers();
  REQUIRE(workers.size() == 1);
  const auto& held = workers.begin()->second.held;
  REQUIRE(held.size() == 1);
  const Offset end = std::max(held[0].log_end, process.probe.found(kLabel).log_end);
  return freshness(held[0], end, process.wall());
}

// To a beat.
bool about(std::optional<milliseconds> freshness, milliseconds expected) {
  INFO((freshness ? freshness->count() : -1) << " ms, expected " << expected.count());
  CHECK(freshness.has_value());
  return freshness && *freshness >= expected - kBeat && *freshness <= expected + kBeat;
}

}  // namespace

TEST_CASE("a view that lacks nothing is fresh, however long ago its last record was") {
  Process process;
  process.add("b", "m1");
  process.live(kSoon);
  process.pass(kLong);
  process.live(kSoon);
  CHECK(process.views.freshness(kOnly) == kNone);
  CHECK(by_process(process) == kNone);
  // What is shown within a flush has been waiting no longer than for that.
  const PartitionCounts counts = process.probe.counts().at(kLabel);
  CHECK(counts.visible_seconds.count() == 1);
  CHECK(counts.visible_seconds.sum() < 0.5);
}

TEST_CASE("while flushes fail, freshness is the age of the first record that waits") {
  Process process;
  process.add("b", "m1");
  process.live(kSoon);
  process.pass(kLong);
  process.live(kSoon);
  process.sink.memory.set_unprepared("no table");
  process.add("b", "m2");
  process.live(milliseconds{5000});
  process.add("b", "m3");
  process.live(milliseconds{5000});
  CHECK(about(process.views.freshness(kOnly), milliseconds{10'000}));
  CHECK(about(by_process(process), milliseconds{10'000}));
  process.sink.memory.set_unprepared("");
  process.live(milliseconds{10'000});
  CHECK(process.views.freshness(kOnly) == kNone);
  CHECK(by_process(process) == kNone);
}

TEST_CASE("while a flush waits, those beside it say how freshness grows") {
  Process process;
  process.live(kSoon);
  bool waited = false;
  process.sink.while_flushing = [&] {
    process.stand_still(milliseconds{20'000});
    CHECK(about(process.views.freshness(kOnly), milliseconds{20'000}));
    CHECK(about(by_process(process), milliseconds{20'000}));
    waited = true;
  };
  process.add("b", "m1");
  process.live(kSoon);
  REQUIRE(waited);
  CHECK(process.views.freshness(kOnly) == kNone);
}

TEST_CASE("without an owner freshness grows from its last word, until another shows all") {
  Process process;
  process.add("b", "m1");
  process.live(kSoon);
  SECTION("one that let go") { process.worker->close(); }
  SECTION("one that is silent") {}
  process.pass(milliseconds{30'000});
  CHECK(about(process.views.freshness(kOnly), milliseconds{30'000}));
  process.add("b", "m2");
  process.pass(milliseconds{30'000});
  CHECK(about(process.views.freshness(kOnly), milliseconds{60'000}));
  process.start_worker();
  process.live(kSoon);
  CHECK(process.views.freshness(kOnly) == kNone);
  CHECK(by_process(process) == kNone);
}

TEST_CASE("a process that has not got a partition tells how old is what nobody shows") {
  Process process;
  process.add("b", "m1");
  process.live(kSoon);
  process.worker->close();
  process.worker.reset();
  process.stand_still(milliseconds{10'000});
  process.eyes.set_away(true);
  process.stand_still(milliseconds{20'000});
  const auto unowned = process.monitor.unowned();
  REQUIRE(unowned.size() == 1);
  CHECK(unowned[0].position == Offset{1});
  CHECK(about(unowned[0].freshness, milliseconds{30'000}));
  process.eyes.set_away(false);
  process.start_worker();
  process.live(kSoon);
  CHECK(process.monitor.unowned().empty());
}

TEST_CASE("of a log that ends before its view freshness grows, also for who came to it so") {
  Process process;
  for (const char* member : {"m1", "m2", "m3"}) process.add("b", member);
  process.live(kSoon);
  process.log.lose_tail(kStream, kOnly, 1);
  process.start_worker();
  process.live(milliseconds{30'000});
  CHECK(about(process.views.freshness(kOnly), milliseconds{30'000}));
  const auto held = process.probe.workers().begin()->second.held.at(0);
  CHECK(held.position == Offset{3});
  CHECK(held.log_end == Offset{2});
  CHECK_FALSE(held.trouble.empty());
  const auto still = process.monitor.unowned();
  REQUIRE(still.size() == 1);
  CHECK(still[0].owned);
  CHECK(about(still[0].freshness, milliseconds{30'000}));
}

TEST_CASE("a view that was set back is told of as it is, and grows old from then on") {
  Process process;
  Process another;
  another.add("b", "another");
  another.live(kSoon);
  for (const char* member : {"m1", "m2", "m3"}) process.add("b", member);
  process.live(kSoon);
  process.views = another.views;
  process.live(milliseconds{20'000});
  REQUIRE_FALSE(process.views.trouble(kOnly).empty());
  CHECK(about(process.views.freshness(kOnly), milliseconds{20'000}));
  CHECK(about(by_process(process), milliseconds{20'000}));
  CHECK(process.probe.workers().begin()->second.held.at(0).position == Offset{1});
  // What comes now is not the oldest that it lacks.
  process.add("b", "m4");
  process.live(milliseconds{10'000});
  CHECK(about(process.views.freshness(kOnly), milliseconds{30'000}));
  CHECK(about(by_process(process), milliseconds{30'000}));
}

TEST_CASE("how a partition was taken says what was folded again and how long that took") {
  Process process;
  for (const char* member : {"m1", "m2", "m3"}) process.add("b", member);
  process.live(kSoon);
  CHECK(process.probe.counts().at(kLabel).began.from == Recovery::From::start);
  CHECK(process.probe.counts().at(kLabel).began.records == 0);
  SECTION("from the state where the view is") {
    process.start_worker();
    process.live(kSoon);
    const Recovery began = process.probe.counts().at(kLabel).began;
    CHECK(began.from == Recovery::From::state);
    CHECK(began.position == Offset{3});
    CHECK(began.records == 0);
    CHECK(began.took < milliseconds{100});
  }
  SECTION("from the start, where the state is gone") {
    process.lose_state();
    process.start_worker();
    process.live(kSoon);
    const Recovery began = process.probe.counts().at(kLabel).began;
    CHECK(began.from == Recovery::From::start);
    CHECK(began.position == Offset{0});
    CHECK(began.records == 3);
    CHECK(began.took.has_value());
  }
  const PartitionCounts counts = process.probe.counts().at(kLabel);
  CHECK(counts.recoveries[0] + counts.recoveries[1] == 2);
  // What was folded again was visible before.
  CHECK(counts.records == 3);
  CHECK(counts.visible_seconds.count() == 3);
  // Each worker was given the partition.
  CHECK(counts.rebalances == 2);
}

TEST_CASE("who was fenced says so, once each time") {
  Process process;
  process.add("b", "m1");
  process.live(kSoon);
  MemorySink(process.views).claim(kOnly, "other:2:y/0/1");
  process.add("b", "m2");
  process.live(milliseconds{500});
  CHECK(process.probe.counts().at(kLabel).fenced >= 1);
  CHECK(process.probe.counts().at(kLabel).records == 1);
}

}  // namespace sluice

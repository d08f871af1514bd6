// Workers that wait for something, seen by the thread beside them, with clocks that move when told
// to.

#include "projectors/engine/run/monitor.h"

#include <catch2/catch.hpp>

#include "storage/base/errors.h"
#include "tests/simulation/watched_process.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using testing::kOnly;
using testing::kSession;
using Process = testing::WatchedProcess;

constexpr milliseconds kSoon{2000};  // within which an operator hears of a lock
const std::string kLock = "ShareLock on tally_g1.box: process 4711 is in the way";

}  // namespace

TEST_CASE("a healthy worker is no trouble, and is not spoken for") {
  Process process;
  process.add("b", "m1");
  process.live(std::chrono::seconds(10));
  CHECK(process.troubles().empty());
  CHECK(process.views.trouble(kOnly).empty());
  CHECK(process.views.position(kOnly).position == Offset{1});
}

TEST_CASE("a flush that waits for a lock says so within two seconds, and lag grows meanwhile") {
  Process process;
  process.live(kSoon);
  bool waited = false;
  process.sink.while_flushing = [&] {
    process.eyes.lock(kSession, kLock);
    for (const char* member : {"m2", "m3", "m4"}) process.add("b", member);
    process.stand_still(kSoon);
    CHECK(process.views.log_end(kOnly) == Offset{4});
    CHECK(process.views.trouble(kOnly) == "the flush of tally:0 waits for " + kLock);
    CHECK(process.troubles() == "tally worker 0: the flush of tally:0 waits for " + kLock + "\n");
    // Its owner lives, however long it waits.
    process.stand_still(kOwnerGone + kSoon);
    CHECK(process.views.position(kOnly).silent < kOwnerGone);
    process.eyes.lock(kSession, "");
    waited = true;
  };
  process.add("b", "m1");
  process.live(kSoon);
  REQUIRE(waited);
  CHECK(process.troubles().empty());
  CHECK(process.views.trouble(kOnly).empty());
  CHECK(process.views.position(kOnly).position == Offset{4});
}

TEST_CASE("a flush that fails for a lock names it until one goes through") {
  Process process;
  process.live(kSoon);
  process.sink.while_flushing = [&] {
    process.eyes.lock(kSession, kLock);
    process.stand_still(kSoon);
    process.eyes.lock(kSession, "");
    throw Retryable("canceled for its lock timeout");
  };
  process.sink.memory.set_unprepared("locked still");
  process.add("b", "m1");
  process.live(kSoon);
  CHECK_THAT(process.views.trouble(kOnly), Catch::Contains(kLock + " ("));
  process.sink.memory.set_unprepared("");
  process.live(2 * kSoon);
  CHECK(process.views.trouble(kOnly).empty());
  CHECK(process.views.position(kOnly).position == Offset{1});
}

TEST_CASE("who waits for something that nobody names is told by its age within five seconds") {
  Process process;
  process.live(kSoon);
  process.sink.while_flushing = [&] {
    process.stand_still(kSoon);
    CHECK(process.troubles().empty());
    process.stand_still(milliseconds{2500});
    CHECK_THAT(process.troubles(),
               Catch::StartsWith("tally worker 0: has been in the flush of tally:0 for 4 s"));
    CHECK_THAT(process.views.trouble(kOnly), Catch::StartsWith("has been in the flush"));
    // Also where nobody looks any more.
    process.pass(std::chrono::minutes(1));
    CHECK_THAT(process.troubles(), Catch::Contains("for 64 s"));
  };
  process.add("b", "m1");
  process.live(kSoon);
  CHECK(process.troubles().empty());
  CHECK(process.views.trouble(kOnly).empty());
}

TEST_CASE("a newer owner is not spoken over, and a partition that was let go stays so") {
  Process process;
  process.live(kSoon);
  SECTION("taken by another process") {
    MemorySink(process.views).claim(kOnly, "other:2:y/0/1");
    process.eyes.lock(kSession, kLock);
    process.stand_still(kSoon);
    CHECK(process.views.position(kOnly).owner == "other:2:y/0/1");
    CHECK(process.views.trouble(kOnly).empty());
    CHECK_THAT(process.views.contender(kOnly), Catch::Contains(kLock));
  }
  SECTION("let go") {
    process.worker->close();
    process.stand_still(kSoon);
    CHECK(process.views.position(kOnly).silent >= kOwnerGone);
  }
}

TEST_CASE("a view that does not answer is trouble within five seconds, and none when it is back") {
  Process process;
  process.live(kSoon);
  process.eyes.set_away(true);
  process.stand_still(milliseconds{4000});
  CHECK_THAT(process.troubles(),
             Catch::Contains("database: no answer for 3 s: the database is away"));
  process.eyes.set_away(false);
  process.live(milliseconds{500});
  CHECK(process.troubles().empty());
}

TEST_CASE("a log that does not answer is trouble of each partition, until it is back") {
  Process process;
  process.live(kSoon);
  process.log.set_away(true);
  process.live(milliseconds{4500});
  CHECK_THAT(process.troubles(), Catch::Contains("log: no answer for "));
  process.log.set_away(false);
  process.live(2 * kSoon);
  CHECK(process.troubles().empty());
  CHECK(process.views.trouble(kOnly).empty());
}

TEST_CASE("a partition that no process has is trouble, until one takes it") {
  Process process;
  CHECK(process.troubles() == "it is starting\n");
  process.monitor.look();
  CHECK(process.troubles() == "tally:0: no process has taken it\n");
  process.live(milliseconds{500});
  CHECK(process.troubles().empty());
}

}  // namespace sluice

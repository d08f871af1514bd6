#include "storage/base/steadied_clock.h"

#include <catch2/catch.hpp>

namespace sluice {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct Clocks {
  Time wall{hours(1000)};
  milliseconds steady{hours(5)};
  SteadiedClock clock{[this] { return wall; }, [this] { return steady; }};

  void pass(milliseconds time) {
    wall += time;
    steady += time;
  }
};

}  // namespace

TEST_CASE("a clock that only goes on is followed, a small step too") {
  Clocks clocks;
  for (int i = 0; i < 100; ++i) {
    clocks.pass(seconds(10));
    CHECK(clocks.clock.now() == clocks.wall);
  }
  clocks.wall += milliseconds{1500};
  CHECK(clocks.clock.now() == clocks.wall);
  CHECK(clocks.clock.jumped() == milliseconds{0});
}

TEST_CASE("a jump is told and not followed: time goes on by the steady clock") {
  Clocks clocks;
  clocks.pass(minutes(3));
  const Time before = clocks.clock.now();
  const auto jump = GENERATE(hours(2), hours(-2), hours(24 * 365));
  clocks.wall += jump;
  CHECK(clocks.clock.now() == before);
  CHECK(clocks.clock.jumped() == jump);
  clocks.pass(minutes(30));
  CHECK(clocks.clock.now() == before + minutes(30));
  CHECK(clocks.clock.jumped() == jump);
  clocks.wall -= jump;
  CHECK(clocks.clock.now() == clocks.wall);
  CHECK(clocks.clock.jumped() == milliseconds{0});
}

TEST_CASE("steps that follow each other do not add up to a jump") {
  Clocks clocks;
  const Time before = clocks.clock.now();
  for (int i = 0; i < 600; ++i) {
    clocks.pass(seconds(1));
    clocks.wall += milliseconds{1900};
    clocks.clock.now();
  }
  CHECK(clocks.clock.now() <= before + minutes(10) + seconds(10 * 3));
  CHECK(clocks.clock.jumped() > minutes(10));
}

TEST_CASE("time never goes back, and drift over a long silence is no jump") {
  Clocks clocks;
  clocks.wall += milliseconds{1500};
  const Time ahead = clocks.clock.now();
  clocks.wall -= milliseconds{3000};
  CHECK(clocks.clock.now() == ahead);
  clocks.pass(hours(5));
  clocks.wall += seconds(10);
  CHECK(clocks.clock.now() == clocks.wall);
}

}  // namespace sluice

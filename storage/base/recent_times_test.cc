#include "storage/base/recent_times.h"

#include <catch2/catch.hpp>

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

TEST_CASE("what took long once is the longest, and not the median") {
  RecentTimes times;
  CHECK(times.seen().times == 0);
  for (int n = 0; n < 8; ++n) times.add(milliseconds{2});
  times.add(seconds{3});
  CHECK(times.seen().times == 9);
  CHECK(times.seen().median == milliseconds{2});
  CHECK(times.seen().longest == seconds{3});
}

TEST_CASE("what is a minute ago does not count, and the newest take the place of the oldest") {
  RecentTimes::Clock::time_point now{};
  RecentTimes times([&] { return now; });
  times.add(seconds{9});
  now += seconds{61};
  CHECK(times.seen().times == 0);
  for (int n = 0; n < 100; ++n) times.add(milliseconds{n});
  CHECK(times.seen().times == 64);
  CHECK(times.seen().longest == milliseconds{99});
}

}  // namespace sluice

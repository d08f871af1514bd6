#include "ingest/stamp_clock.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using std::chrono::milliseconds;

}  // namespace

TEST_CASE("one ingest never stamps a time earlier than its last, though the clock steps back") {
  std::int64_t wall = 5000;
  StampClock stamps([&] { return Time{milliseconds{wall}}; });
  CHECK(stamps.now() == Time{milliseconds{5000}});
  wall = 1000;
  CHECK(stamps.now() == Time{milliseconds{5000}});
  wall = 5001;
  CHECK(stamps.now() == Time{milliseconds{5001}});
}

TEST_CASE("what any thread stamps is not earlier than what was stamped before it asked") {
  std::atomic<std::int64_t> wall{0};
  // A clock that goes forward and back.
  StampClock stamps([&] { return Time{milliseconds{1000 + (wall.fetch_add(7) * 31) % 997}}; });
  std::atomic<Time::rep> latest{0};
  std::atomic<int> earlier{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        const Time::rep before = latest.load();
        const Time::rep stamped = stamps.now().time_since_epoch().count();
        if (stamped < before) ++earlier;
        auto seen = latest.load();
        while (stamped > seen && !latest.compare_exchange_weak(seen, stamped)) {
        }
      }
    });
  }
  threads.clear();
  CHECK(earlier == 0);
}

}  // namespace sluice

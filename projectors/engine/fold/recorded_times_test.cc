#include "projectors/engine/fold/recorded_times.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <vector>

namespace sluice {
namespace {

Time at(std::int64_t milliseconds) { return Time{std::chrono::milliseconds{milliseconds}}; }

std::vector<std::int64_t> told(const RecordedTimes& times) {
  std::vector<std::int64_t> all;
  times.for_each([&](Time time, std::uint64_t count) {
    all.insert(all.end(), count, time.time_since_epoch().count());
  });
  return all;
}

}  // namespace

TEST_CASE("what was recorded within a flush is kept to the millisecond, whatever the order") {
  RecordedTimes times;
  for (const std::int64_t ms : {1000, 1003, 1003, 990, 1200}) times.add(at(ms));
  CHECK(told(times) == std::vector<std::int64_t>{990, 1000, 1003, 1003, 1200});
  times.clear();
  CHECK(told(times).empty());
  times.add(at(-5));
  CHECK(told(times) == std::vector<std::int64_t>{-5});
}

TEST_CASE("none is lost, and each is kept to a hundredth of the span") {
  CHECK(rc::check([](std::vector<std::int32_t> all) {
    RecordedTimes times;
    for (const std::int64_t ms : all) times.add(at(ms * 1000));
    std::sort(all.begin(), all.end());
    const std::vector<std::int64_t> kept = told(times);
    RC_ASSERT(kept.size() == all.size());
    if (all.empty()) return;
    const std::int64_t span = (std::int64_t{all.back()} - all.front()) * 1000;
    for (std::size_t i = 0; i < all.size(); ++i) {
      RC_ASSERT(std::abs(kept[i] - std::int64_t{all[i]} * 1000) <= span / 100 + 1);
    }
  }));
}

}  // namespace sluice

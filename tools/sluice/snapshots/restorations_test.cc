#include "tools/sluice/snapshots/restorations.h"

#include <catch2/catch.hpp>
#include <future>

#include "storage/base/errors.h"

namespace sluice {

TEST_CASE("what takes long to bring goes on beside, until another is wanted") {
  using Brought = StateSnapshots::Brought;
  constexpr std::chrono::milliseconds kAtOnce{0};
  constexpr std::chrono::seconds kLong{60};
  std::promise<void> there;
  const std::shared_future<void> waited = there.get_future().share();
  int begun = 0;
  Restorations restorations;
  const auto slow = [&](const std::atomic<bool>&) {
    ++begun;
    waited.wait();
    return true;
  };
  CHECK(restorations.bring("a", "state", slow, kAtOnce) == Brought::under_way);
  CHECK(restorations.bring("a", "state", slow, kAtOnce) == Brought::under_way);
  SECTION("it is begun once, and whole once it is there") {
    there.set_value();
    CHECK(restorations.bring("a", "state", slow, kLong) == Brought::whole);
    CHECK(begun == 1);
  }
  SECTION("one at a time: another state's waits behind it, or is given up with the process") {
    std::atomic<bool> told = false;
    const auto other = [&](const std::atomic<bool>& given_up) { return told = true, !given_up; };
    CHECK(restorations.bring("a", "other", other, kAtOnce) == Brought::under_way);
    CHECK_FALSE(told);
    there.set_value();
    CHECK(restorations.bring("a", "other", other, kLong) == Brought::whole);
  }
  SECTION("another one to the same state takes its place, and what fails is told once") {
    const auto fails = [](const std::atomic<bool>&) -> bool { throw Retryable("no disk"); };
    CHECK(restorations.bring("b", "state", fails, kAtOnce) == Brought::under_way);
    there.set_value();
    CHECK_THROWS_AS(restorations.bring("b", "state", fails, kLong), Retryable);
    CHECK(restorations.bring("b", "state", slow, kLong) == Brought::whole);
  }
}

}  // namespace sluice

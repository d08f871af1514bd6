#include <catch2/catch.hpp>

#include "storage/base/errors.h"
#include "tests/contract/building.h"
#include "tests/contract/generation_swap_contract.h"
#include "tests/contract/made_flush.h"
#include "tests/contract/swap_steps.h"

namespace sluice::testing {
namespace {

constexpr Partition kZero{0};
constexpr Partition kOne{1};

void the_one_that_stood_is_retired(SwapUnderTest& world) {
  carry_out(*world.swap(SwapKind::promote));
  world.build_third(true);
  CHECK(world.statuses() == "standing live ready");
  carry_out(*world.swap(SwapKind::promote, {2, 3}));
  CHECK(world.statuses() == "retired standing live");
  CHECK(shown(world) == Shown{3});
  CHECK_THROWS_AS(world.live().claim(kZero, "owner1"), Retryable);
  const auto too_far = world.swap(SwapKind::roll_back, {3, 1});
  CHECK(word_of(too_far->begin()) == "not_ready");
  too_far->release();
  carry_out(*world.swap(SwapKind::roll_back, {3, 2}));
  CHECK(world.statuses() == "retired live ready");
  CHECK(shown(world) == Shown{2});
}

void what_is_rolled_back_stands_beside_one_in_the_making(SwapUnderTest& world) {
  carry_out(*world.swap(SwapKind::promote));
  world.build_third(false);
  const auto early = world.swap(SwapKind::promote, {2, 3});
  CHECK(word_of(early->begin()) == "not_ready");
  early->release();
  carry_out(*world.swap(SwapKind::roll_back));
  CHECK(world.statuses() == "live standing building");
  CHECK(shown(world) == Shown{1});
}

void nothing_promotes_itself_once_somebody_decided(SwapUnderTest& world) {
  const auto itself = world.swap(SwapKind::promote_itself);
  const auto may = [&] {
    const std::string word = word_of(itself->begin());
    itself->release();
    return word;
  };
  CHECK(may() == "decided");
  world.let_promote_itself();
  CHECK(may().empty());
  carry_out(*world.swap(SwapKind::promote));
  CHECK(may() == "done");
  carry_out(*world.swap(SwapKind::roll_back));
  CHECK(world.statuses() == "live ready");
  CHECK(may() == "decided");
  world.let_promote_itself();
  carry_out(*itself);
  CHECK(world.statuses() == "standing live");
  carry_out(*world.swap(SwapKind::roll_back));
  CHECK(may() == "decided");
}

// As of a command that slept until what it had locked was locked no more.
void a_mark_that_comes_too_late_carries_nothing_on(SwapUnderTest& world) {
  world.summarize(1, 9, false);
  world.summarize(2, 8, false);
  const auto session = world.swap(SwapKind::promote);
  flush_ids(world.live(), kOne, "owner1", true, 10, 11);
  session->commit_mark();
  CHECK(world.as_of(2) == 8);
  flush_ids(world.other(), kOne, "owner2", false, 10, 11);
  world.summarize(2, 8, true);
  session->commit_mark();
  CHECK(world.as_of(2) == 8);
  world.summarize(2, 8, false);
  session->commit_mark();
  CHECK(world.as_of(2) == 9);
}

void each_row_is_compared_by_what_it_is(SwapUnderTest& world) {
  world.summarize(1, 9, false);
  world.summarize(2, 8, false);
  world.share(1, 0.5);
  world.share(2, 0.5);
  CHECK(world.compared("summary") == "1 0 0 0 0");  // as of when does not count
  CHECK(world.compared("share") == "1 0 0 0 0");
  CHECK(world.compared("only_key") == "0 1 1 0 0");
  CHECK(world.compared("sluice.rejection") == "0 0 0 0 0");
  world.share(2, 0.7);
  CHECK(world.compared("share") == "0 0 0 1 0");
  world.summarize(2, 8, true);
  CHECK(world.compared("share") == "0 0 0 0 1");
  CHECK(world.compared("summary") == "1 0 0 0 0");
  world.summarize(2, 8, false);
  world.summarize(1, 9, true);
  CHECK(world.compared("share") == "0 0 0 0 1");

  const auto refuse = [&](Partition partition, const char* by_live, const char* by_other) {
    Flush live(partition, "owner1", 10, 11);
    Flush other(partition, "owner2", 10, 11);
    other.batch.live = false;
    const Time at{std::chrono::milliseconds(1000)};
    if (*by_live != 0) live.rejections.push_back({Offset{10}, "e", "t", "k", by_live, at});
    if (*by_other != 0) other.rejections.push_back({Offset{10}, "e", "t", "k", by_other, at});
    live.to(world.live());
    other.to(world.other());
  };
  refuse(kZero, "closed", "unknown");
  CHECK(world.compared("sluice.rejection") == "0 0 0 1 0");
  refuse(kOne, "closed", "");
  CHECK(world.compared("sluice.rejection") == "0 0 1 1 0");
}

}  // namespace

void swapped_roles_contract(const MakeSwap& make) {
  const auto world = make();
  SECTION("the one that stood is retired") { the_one_that_stood_is_retired(*world); }
  SECTION("what is rolled back stands beside one in the making") {
    what_is_rolled_back_stands_beside_one_in_the_making(*world);
  }
  SECTION("nothing promotes itself once somebody decided") {
    nothing_promotes_itself_once_somebody_decided(*world);
  }
  SECTION("a mark that comes too late carries nothing on") {
    a_mark_that_comes_too_late_carries_nothing_on(*world);
  }
  SECTION("each row is compared by what it is") { each_row_is_compared_by_what_it_is(*world); }
}

}  // namespace sluice::testing

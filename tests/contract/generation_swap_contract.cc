#include "tests/contract/generation_swap_contract.h"

#include <catch2/catch.hpp>

#include "storage/base/errors.h"
#include "tests/contract/building.h"
#include "tests/contract/made_flush.h"
#include "tests/contract/swap_steps.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

using std::chrono::milliseconds;

using Step = GenerationSwap::Step;

constexpr Partition kZero{0};
constexpr Partition kOne{1};

void nothing_is_shown_before_the_commit(SwapUnderTest& world) {
  const auto session = world.swap(SwapKind::promote);
  meet(*session);
  session->commit_mark();
  session->write();
  CHECK(shown(world) == Shown{1});
  CHECK_FALSE(world.other().generation().live);
  REQUIRE(word_of(session->show()).empty());
  session->release();
  CHECK(shown(world) == Shown{1});
  CHECK(world.live().generation().live);

  carry_out(*session);
  CHECK(shown(world) == Shown{2});
  CHECK(world.other().generation().live);
  CHECK_FALSE(world.live().generation().live);
  CHECK(world.other().position(kZero)->emits_from == Offset{10});
  CHECK(word_of(session->begin()) == "done");
  session->release();

  const auto back = world.swap(SwapKind::roll_back);
  carry_out(*back);
  CHECK(shown(world) == Shown{1});
  // The other is ready again, which can be promoted and nothing else.
  CHECK(word_of(session->begin()).empty());
  session->release();
}

void what_is_locked_waits(SwapUnderTest& world) {
  const auto session = world.swap(SwapKind::promote);
  flush_ids(world.live(), kZero, "owner1", true, 10, 11);
  CHECK(session->look().apart.find("partition 0") != std::string::npos);
  REQUIRE(word_of(session->begin()).empty());
  session->lock_live();
  // The other one goes on to where the live one is.
  flush_ids(world.other(), kZero, "owner2", false, 10, 11);
  const PairStand stand = session->look();
  CHECK(stand.equal);
  CHECK(stand.positions == Positions{{0, 11}, {1, 10}});
  CHECK(world.waits([&] { flush_ids(world.live(), kZero, "owner1", true, 11, 12); }));
  CHECK(session->look().positions == Positions{{0, 11}, {1, 10}});
  session->release();
  world.settle();
  CHECK(world.live().position(kZero)->position == Offset{12});
  // Of the other who publishes computed rows waits too.
  REQUIRE(word_of(session->begin()).empty());
  session->lock_other();
  CHECK(world.waits([&] { flush_ids(world.other(), kZero, "owner2", false, 11, 12); }));
  session->release();
  world.settle();
  CHECK(session->look().equal);
}

void another_log_is_told(SwapUnderTest& world) {
  const auto session = world.swap(SwapKind::promote);
  flush_ids(world.live(), kZero, "owner1", true, 10, 11);
  Flush otherwise(kZero, "owner2", 10, 11);
  otherwise.batch.live = false;
  otherwise.batch.digest_at_to = Digest{5};
  otherwise.to(world.other());
  CHECK(session->look().another_log);
  GenerationSwap swap(*session, "shapes generation 2", {}, {});
  auto ended = swap.step({});
  while (!ended) ended = swap.step({});
  CHECK(std::get<GenerationRefusal>(*ended).word == "log");
}

void no_snapshot_shows_an_as_of_go_back(SwapUnderTest& world) {
  world.summarize(1, 9, false);
  world.summarize(2, 8, false);
  CHECK(shown(world) == Shown{1, 9});
  const auto session = world.swap(SwapKind::promote);
  meet(*session);
  session->commit_mark();
  const auto amid = world.reader();
  session->write();
  REQUIRE(word_of(session->show()).empty());
  REQUIRE(session->commit());
  session->release();
  CHECK(amid->read() == Shown{2, 9});
}

void snapshots_from_before_the_mark_begin_again(SwapUnderTest& world) {
  const auto session = world.swap(SwapKind::promote);
  auto before = world.reader();
  meet(*session);
  session->commit_mark();
  CHECK(session->older_snapshots());
  const auto amid = world.reader();
  session->write();
  REQUIRE(word_of(session->show()).empty());
  REQUIRE(session->commit());
  session->release();
  CHECK_FALSE(before->read());
  CHECK(amid->read() == Shown{2});
  CHECK(shown(world) == Shown{2});
}

void snapshots_that_end_are_awaited_no_more(SwapUnderTest& world) {
  const auto session = world.swap(SwapKind::promote);
  auto before = world.reader();
  meet(*session);
  session->commit_mark();
  const auto behind = world.reader();
  CHECK(session->older_snapshots());
  before.reset();
  CHECK_FALSE(session->older_snapshots());
  session->release();
}

void who_reads_the_views_keeps_them(SwapUnderTest& world) {
  const auto session = world.swap(SwapKind::promote);
  auto reader = world.reader();
  CHECK(reader->read() == Shown{1});
  meet(*session);
  session->commit_mark();
  session->write();
  CHECK(word_of(session->show()) == "locked");
  session->release();
  CHECK(reader->read() == Shown{1});
  reader.reset();
  carry_out(*session);
  CHECK(shown(world) == Shown{2});
}

void one_at_a_time(SwapUnderTest& world) {
  const auto one = world.swap(SwapKind::promote);
  const auto two = world.swap(SwapKind::promote);
  REQUIRE(word_of(one->begin()).empty());
  CHECK(word_of(two->begin()) == "locked");
  two->release();
  one->release();
  CHECK(word_of(two->begin()).empty());
  two->release();
}

void a_death_leaves_nothing(SwapUnderTest& world) {
  auto session = world.swap(SwapKind::promote);
  meet(*session);
  session->commit_mark();
  session->write();
  REQUIRE(word_of(session->show()).empty());
  session.reset();
  const auto next = world.swap(SwapKind::promote);
  REQUIRE(eventually([&] {
    const bool begun = word_of(next->begin()).empty();
    next->release();
    return begun;
  }));
  CHECK(shown(world) == Shown{1});
  carry_out(*next);
  CHECK(shown(world) == Shown{2});
}

void computed_rows_do_not_go_back(SwapUnderTest& world) {
  world.summarize(1, 9, false);
  world.summarize(2, 8, true);
  const auto session = world.swap(SwapKind::promote);
  REQUIRE(word_of(session->begin()).empty());
  CHECK(session->still_computed().find('a') != std::string::npos);
  session->release();
  CHECK_FALSE(session->still_computed().empty());
  world.summarize(2, 8, false);
  CHECK(shown(world) == Shown{1, 9});
  carry_out(*session);
  CHECK(shown(world) == Shown{2, 9});
}

void what_is_behind_is_hurried(SwapUnderTest& world) {
  world.summarize(1, 9, false);
  world.summarize(2, 8, true);
  const auto session = world.swap(SwapKind::promote);
  auto now = GenerationSwap::Clock::time_point{};
  GenerationSwap swap(*session, "shapes generation 2", {}, now);
  const auto go_to = [&](Step step) {
    while (swap.next() != step) {
      REQUIRE_FALSE(swap.step(now));
      now += 20 * swap.wait();
    }
  };
  go_to(Step::hurry);
  CHECK_FALSE(world.hurries());
  go_to(Step::await_computed);
  CHECK(world.hurries());
  // That is awaited with nothing locked, and then while the live one stands.
  flush_ids(world.live(), kOne, "owner1", true, 10, 11);
  flush_ids(world.other(), kOne, "owner2", false, 10, 11);
  const auto told = now;
  go_to(Step::begin);
  CHECK(now - told >= std::chrono::seconds(2));
  go_to(Step::await_computed_held);
  CHECK(world.waits([&] { flush_ids(world.live(), kOne, "owner1", true, 11, 12); }));
  CHECK_FALSE(swap.step(now));
  CHECK(swap.next() == Step::await_computed_held);
  world.summarize(2, 10, false);
  std::optional<GenerationSwap::Result> ended;
  while (!ended) ended = swap.step(now);
  REQUIRE(std::holds_alternative<Positions>(*ended));
  CHECK(std::get<Positions>(*ended) == Positions{{0, 10}, {1, 11}});
  CHECK(shown(world) == Shown{2, 10});
}

void what_nobody_computes_is_given_up(SwapUnderTest& world) {
  world.summarize(1, 9, false);
  world.summarize(2, 8, true);
  const auto session = world.swap(SwapKind::promote);
  auto now = GenerationSwap::Clock::time_point{};
  const auto until = now + std::chrono::seconds(7);
  GenerationSwap swap(*session, "shapes generation 2", {.computing = std::chrono::seconds(7)}, now);
  std::optional<GenerationSwap::Result> ended;
  int held = 0;
  while (!ended) {
    const bool holds = swap.next() == Step::await_computed_held;
    ended = swap.step(now);
    now += swap.wait() == kBetweenLooks ? kHeldAtMost : swap.wait();
    held += holds && swap.next() == Step::lock_other ? 1 : 0;
  }
  CHECK(std::get<GenerationRefusal>(*ended).word == "busy");
  CHECK(held > 1);
  CHECK(now >= until);
  CHECK(shown(world) == Shown{1, 9});
  flush_ids(world.live(), kZero, "owner1", true, 10, 11);  // nothing is locked
}

void the_steps_come_to_their_end(SwapUnderTest& world) {
  const auto session = world.swap(SwapKind::promote);
  flush_ids(world.live(), kZero, "owner1", true, 10, 11);
  auto now = GenerationSwap::Clock::time_point{};
  // Each try is a second, and the next comes a while later.
  std::optional<GenerationSwap::Result> ended;
  int locked = 0;
  GenerationSwap gives_up(*session, "shapes generation 2", {}, now);
  while (!ended) {
    locked += gives_up.next() == GenerationSwap::Step::lock_live ? 1 : 0;
    ended = gives_up.step(now);
    now += gives_up.wait() == kBetweenLooks ? kHeldAtMost : gives_up.wait();
  }
  CHECK(std::get<GenerationRefusal>(*ended).word == "busy");
  CHECK(locked == kTries);
  CHECK(shown(world) == Shown{1});

  GenerationSwap swap(*session, "shapes generation 2", {}, now);
  while (swap.next() != GenerationSwap::Step::look) CHECK_FALSE(swap.step(now));
  CHECK_FALSE(swap.step(now));
  flush_ids(world.other(), kZero, "owner2", false, 10, 11);
  ended.reset();
  while (!ended) ended = swap.step(now);
  REQUIRE(std::holds_alternative<Positions>(*ended));
  CHECK(std::get<Positions>(*ended) == Positions{{0, 11}, {1, 10}});
  CHECK(shown(world) == Shown{2});
}

void compared_in_one_snapshot(SwapUnderTest& world) {
  const auto session = world.comparison();
  auto now = EqualSnapshot::Clock::time_point{};
  {
    EqualSnapshot at_once(*session, "shapes generation 2");
    const auto ended = at_once.step(now);
    REQUIRE(ended);
    CHECK(std::get<Positions>(*ended) == Positions{{0, 10}, {1, 10}});
  }
  flush_ids(world.live(), kZero, "owner1", true, 10, 11);
  EqualSnapshot later(*session, "shapes generation 2");
  std::optional<EqualSnapshot::Result> ended;
  while (!later.holds()) {
    CHECK_FALSE(later.step(now));
    now += later.wait();
  }
  CHECK(world.waits([&] { flush_ids(world.live(), kZero, "owner1", true, 11, 12); }));
  flush_ids(world.other(), kZero, "owner2", false, 10, 11);
  while (!ended) ended = later.step(now);
  CHECK(std::get<Positions>(*ended) == Positions{{0, 11}, {1, 10}});
  world.settle();  // nothing is locked any more
  CHECK(world.live().position(kZero)->position == Offset{12});

  EqualSnapshot gives_up(*session, "shapes generation 2");
  ended.reset();
  while (!ended) {
    ended = gives_up.step(now);
    now += gives_up.wait() == kBetweenLooks ? kHeldAtMost : gives_up.wait();
  }
  CHECK(std::get<GenerationRefusal>(*ended).word == "busy");
}

}  // namespace

void generation_swap_contract(const MakeSwap& make) {
  const auto world = make();
  SECTION("nothing is shown before the commit") { nothing_is_shown_before_the_commit(*world); }
  SECTION("what is locked waits") { what_is_locked_waits(*world); }
  SECTION("another log is told") { another_log_is_told(*world); }
  SECTION("snapshots from before the mark begin again") {
    snapshots_from_before_the_mark_begin_again(*world);
  }
  SECTION("snapshots that end are awaited no more") {
    snapshots_that_end_are_awaited_no_more(*world);
  }
  SECTION("who reads the views keeps them") { who_reads_the_views_keeps_them(*world); }
  SECTION("one at a time") { one_at_a_time(*world); }
  SECTION("a death leaves nothing") { a_death_leaves_nothing(*world); }
  SECTION("computed rows do not go back") { computed_rows_do_not_go_back(*world); }
  SECTION("what is behind is hurried") { what_is_behind_is_hurried(*world); }
  SECTION("what nobody computes is given up") { what_nobody_computes_is_given_up(*world); }
  SECTION("no snapshot shows an as_of go back") { no_snapshot_shows_an_as_of_go_back(*world); }
  SECTION("the steps come to their end") { the_steps_come_to_their_end(*world); }
  SECTION("compared in one snapshot") { compared_in_one_snapshot(*world); }
}

}  // namespace sluice::testing

#include "tests/contract/generation_builder_contract.h"

#include <catch2/catch.hpp>

#include "storage/base/errors.h"
#include "tests/contract/building.h"

namespace sluice::testing {
namespace {

using Ids = std::vector<std::string>;
using At = std::vector<std::int64_t>;

constexpr Partition kZero{0};
constexpr Partition kOne{1};

// The live generation is at 10 and 20; generation 2 has taken both partitions.
std::unique_ptr<BuilderUnderTest> begun(const MakeBuilder& make) {
  auto world = make();
  world->live().claim(kZero, "live");
  world->live().claim(kOne, "live");
  flush_ids(world->live(), kZero, "live", true, 0, 10);
  flush_ids(world->live(), kOne, "live", true, 0, 20);
  world->sink().claim(kZero, "me");
  world->sink().claim(kOne, "me");
  return world;
}

// Generation 2 follows: at 5 with row "a", and at 20 with row "b".
std::unique_ptr<BuilderUnderTest> following(const MakeBuilder& make) {
  auto world = begun(make);
  load_ids(world->builder(), kZero, "me", 5, {"a"});
  load_ids(world->builder(), kOne, "me", 20, {"b"});
  CHECK(world->builder().advance() == BuildPhase::following);
  return world;
}

void positions_say_what_is_loaded(const MakeBuilder& make) {
  const auto world = make();
  CHECK(world->live().generation().live);
  CHECK_FALSE(world->sink().generation().live);
  const ViewPosition taken = world->sink().claim(kZero, "me");
  CHECK_FALSE(taken.loaded);
  CHECK(taken.folded == Offset{0});
  CHECK(taken.position == Offset{0});
  CHECK_FALSE(world->sink().position(kZero)->loaded);
  CHECK(world->live().claim(kZero, "live").loaded);
  CHECK(world->live().position(kZero)->loaded);
}

void live_positions_are_those_that_were_taken(const MakeBuilder& make) {
  const auto world = make();
  CHECK(world->builder().live_positions().empty());
  world->live().claim(kOne, "live");
  world->sink().claim(kZero, "me");
  CHECK(world->builder().live_positions() == std::map<Partition, Offset>{{kOne, Offset{0}}});
  flush_ids(world->live(), kOne, "live", true, 0, 20);
  CHECK(world->builder().live_positions() == std::map<Partition, Offset>{{kOne, Offset{20}}});
}

void it_hurries_while_a_swap_waits(const MakeBuilder& make) {
  const auto world = begun(make);
  const auto hurries = [&] {
    static_cast<void>(world->builder().live_positions());
    return world->builder().hurries();
  };
  CHECK_FALSE(hurries());
  world->hurry(true);
  CHECK_FALSE(world->builder().hurries());  // as it was when the live positions were asked for
  CHECK(hurries());
  world->hurry(false);
  CHECK_FALSE(hurries());
}

void a_note_adds_what_was_refused(const MakeBuilder& make) {
  const auto world = begun(make);
  const Refusals first({1, 3});
  first.note(world->builder(), kZero, "me", 4);
  CHECK(world->seen().rejected(kZero) == At{1, 3});
  CHECK(world->seen().quarantined(kZero) == At{1, 3});
  CHECK(world->sink().position(kZero)->folded == Offset{4});
  CHECK(world->sink().position(kZero)->position == Offset{0});
  Refusals second({6});
  second.unquarantined = {Offset{1}};
  second.aged_out = {Offset{3}};
  second.decisions.push_back({Offset{7}, Offset{1}, Decision::Kind::discard, "me", "why", {}});
  second.note(world->builder(), kZero, "me", 8);
  // What was told twice is there once, and a repeated note does not go back.
  second.note(world->builder(), kZero, "me", 8);
  Refusals({1}).note(world->builder(), kOne, "me", 2);
  CHECK(world->seen().rejected(kZero) == At{1, 3, 6});
  CHECK(world->seen().quarantined(kZero) == At{3, 6});
  CHECK(world->seen().aged_out(kZero) == At{3});
  CHECK(world->seen().decisions(kZero) == Ids{"7 discard 1 me why"});
  CHECK(world->sink().claim(kZero, "next").folded == Offset{8});
  Refusals({}).note(world->builder(), kZero, "next", 5);
  CHECK(world->sink().position(kZero)->digest == Digest{8});
  CHECK(world->sink().position(kZero)->folded == Offset{8});
}

void a_fenced_note_changes_nothing(const MakeBuilder& make) {
  const auto world = begun(make);
  const Refusals refused({1});
  CHECK_THROWS_AS(refused.note(world->builder(), kZero, "zombie", 4), Fenced);
  CHECK(world->sink().position(kZero)->folded == Offset{0});
  load_ids(world->builder(), kZero, "me", 5, {"a"});
  CHECK_THROWS_AS(refused.note(world->builder(), kZero, "me", 6), Fenced);
  CHECK(world->seen().rejected(kZero).empty());
  CHECK(world->seen().quarantined(kZero).empty());
  CHECK(world->sink().position(kZero)->position == Offset{5});
}

void a_load_moves_rows_and_position(const MakeBuilder& make) {
  const auto world = begun(make);
  Refusals({2}).note(world->builder(), kZero, "me", 10);
  CHECK(load_ids(world->builder(), kZero, "me", 10, {"a", "b", "c"}) == FlushOutcome::committed);
  CHECK(world->seen().ids() == Ids{"a", "b", "c"});
  const ViewPosition now = *world->sink().position(kZero);
  CHECK(now.loaded);
  CHECK(now.position == Offset{10});
  CHECK(now.digest == digest_before(10));
  CHECK(world->seen().rejected(kZero) == At{2});
  CHECK_FALSE(world->sink().position(kOne)->loaded);
  // Rows of another partition come beside them; of none there may be none.
  CHECK(load_ids(world->builder(), kOne, "me", 0, {}) == FlushOutcome::committed);
  CHECK(world->sink().position(kOne)->loaded);
  CHECK(world->sink().position(kOne)->position == Offset{0});
  CHECK(world->seen().ids() == Ids{"a", "b", "c"});
}

void a_load_says_what_is_due(const MakeBuilder& make) {
  const auto world = begun(make);
  CHECK_THROWS_AS(load_ids(world->builder(), kZero, "zombie", 5, {"a"}, {"z"}), Fenced);
  load_ids(world->builder(), kZero, "me", 5, {"a"}, {"tab\tand\\", "a"});
  load_ids(world->builder(), kOne, "me", 20, {"b"}, {"b"});
  CHECK(world->seen().due(kZero) == Ids{"a", "tab\tand\\"});
  CHECK(world->seen().due(kOne) == Ids{"b"});
}

void a_fenced_load_changes_nothing(const MakeBuilder& make) {
  const auto world = begun(make);
  Refusals({}).note(world->builder(), kZero, "me", 4);
  const int what = GENERATE(0, 1, 2, 3);
  const auto load = [&](std::string_view owner, std::int64_t to) {
    return load_ids(world->builder(), kZero, owner, to, {"x"});
  };
  if (what == 0) CHECK_THROWS_AS(load("zombie", 5), Fenced);
  if (what == 1) CHECK_THROWS_AS(load("me", 3), Fenced);   // before `folded`
  if (what == 2) CHECK_THROWS_AS(load("me", 11), Fenced);  // beyond the live position
  if (what == 3) {
    world->sink().claim(kZero, "next");
    CHECK_THROWS_AS(load("me", 5), Fenced);
  }
  CHECK(world->seen().ids().empty());
  CHECK_FALSE(world->sink().position(kZero)->loaded);
  CHECK(world->sink().position(kZero)->position == Offset{0});
  CHECK(load(what == 3 ? "next" : "me", 4) == FlushOutcome::committed);
  CHECK(world->seen().ids() == Ids{"x"});
}

void nothing_is_loaded_twice(const MakeBuilder& make) {
  const auto world = begun(make);
  CHECK(load_ids(world->builder(), kZero, "me", 5, {"a"}) == FlushOutcome::committed);
  CHECK_THROWS_AS(load_ids(world->builder(), kZero, "me", 6, {"b"}), Fenced);
  BuildingSession other = world->another();
  other.sink->claim(kZero, "you");
  CHECK_THROWS_AS(load_ids(*other.builder, kZero, "you", 6, {"b"}), Fenced);
  CHECK(world->seen().ids() == Ids{"a"});
  CHECK(world->sink().position(kZero)->position == Offset{5});
}

// Where the live generation never took the partition, readers have none of it.
void nothing_is_loaded_where_nothing_is_live(const MakeBuilder& make) {
  const auto world = make();
  world->sink().claim(kZero, "me");
  CHECK_THROWS_AS(load_ids(world->builder(), kZero, "me", 0, {}), Fenced);
  CHECK_FALSE(world->sink().position(kZero)->loaded);
}

void two_loaders_take_a_partition_each(const MakeBuilder& make) {
  const auto world = begun(make);
  BuildingSession other = world->another();
  other.sink->claim(kOne, "you");
  CHECK(load_ids(*other.builder, kOne, "you", 20, {"b"}) == FlushOutcome::committed);
  CHECK(load_ids(world->builder(), kZero, "me", 10, {"a"}) == FlushOutcome::committed);
  CHECK(world->seen().ids() == Ids{"a", "b"});
}

void a_lost_answer_is_settled_by_loaded(const MakeBuilder& make) {
  const bool went_through = GENERATE(true, false);
  const auto world = begun(make);
  Refusals({}).note(world->builder(), kZero, "me", 1);
  world->lose_next_answer(went_through);
  CHECK(load_ids(world->builder(), kZero, "me", 5, {"a"}) == FlushOutcome::in_doubt);
  const ViewPosition now = *world->sink().position(kZero);
  CHECK(now.owner == "me");
  CHECK(now.loaded == went_through);
  CHECK(now.position == Offset{went_through ? 5 : 0});
  CHECK(world->seen().ids() == (went_through ? Ids{"a"} : Ids{}));
  if (went_through) {
    CHECK_THROWS_AS(load_ids(world->builder(), kZero, "me", 5, {"a"}), Fenced);
  } else {
    CHECK(load_ids(world->builder(), kZero, "me", 5, {"a"}) == FlushOutcome::committed);
  }
  CHECK(world->seen().ids() == Ids{"a"});
}

void phases_follow_what_is_loaded(const MakeBuilder& make) {
  const auto world = begun(make);
  CHECK(world->builder().advance() == BuildPhase::folding);
  CHECK_THROWS_AS(flush_ids(world->sink(), kZero, "me", false, 0, 1), Misconfigured);
  Refusals({1}).note(world->builder(), kZero, "me", 4);
  CHECK(world->builder().advance() == BuildPhase::folding);
  load_ids(world->builder(), kZero, "me", 5, {"a"});
  CHECK(world->builder().advance() == BuildPhase::loading);
  CHECK_THROWS_AS(flush_ids(world->sink(), kZero, "me", false, 5, 6), Misconfigured);
  CHECK_THROWS_AS(flush_ids(world->sink(), kZero, "me", false, 5, 6, {"c"}), Misconfigured);
  CHECK(world->sink().position(kZero)->position == Offset{5});
  load_ids(world->builder(), kOne, "me", 20, {"b"});
  CHECK(world->builder().advance() == BuildPhase::following);
  CHECK(world->builder().advance() == BuildPhase::following);
  CHECK(flush_ids(world->sink(), kZero, "me", false, 5, 6, {"a", "c"}) == FlushOutcome::committed);
  CHECK(world->seen().ids() == Ids{"a", "b", "c"});
  // One that was never built in bulk.
  CHECK(world->another_of_live().builder->advance() == BuildPhase::following);
}

void flushes_stay_behind_the_live_ones(const MakeBuilder& make) {
  const auto world = following(make);
  CHECK_THROWS_AS(flush_ids(world->sink(), kZero, "me", false, 5, 11, {"c"}), Fenced);
  CHECK_THROWS_AS(flush_ids(world->sink(), kOne, "me", false, 20, 21, {"c"}), Fenced);
  CHECK(world->sink().position(kZero)->position == Offset{5});
  CHECK(world->seen().ids() == Ids{"a", "b"});
  CHECK(flush_ids(world->sink(), kZero, "me", false, 5, 10, {"c"}) == FlushOutcome::committed);
  flush_ids(world->live(), kOne, "live", true, 20, 21);
  CHECK(flush_ids(world->sink(), kOne, "me", false, 20, 21, {"d"}) == FlushOutcome::committed);
  CHECK(world->seen().ids() == Ids{"a", "b", "c", "d"});
}

void a_flush_knows_whether_it_is_live(const MakeBuilder& make) {
  const auto world = following(make);
  // As if it had been live when it was claimed.
  CHECK_THROWS_AS(flush_ids(world->sink(), kZero, "me", true, 5, 6, {"x"}), Fenced);
  CHECK_THROWS_AS(flush_ids(world->live(), kZero, "live", false, 10, 11, {"x"}), Fenced);
  flush_ids(world->sink(), kZero, "me", false, 5, 10, {"c"});
  world->swap();
  CHECK(world->sink().generation().live);
  CHECK_FALSE(world->live().generation().live);
  CHECK_THROWS_AS(flush_ids(world->live(), kZero, "live", true, 10, 11, {"x"}), Fenced);
  CHECK_THROWS_AS(flush_ids(world->live(), kZero, "live", false, 10, 11, {"x"}), Fenced);
  CHECK_THROWS_AS(flush_ids(world->sink(), kZero, "me", false, 10, 11, {"x"}), Fenced);
  CHECK(world->seen().ids() == Ids{"a", "b", "c"});
  // The old one follows the new one.
  CHECK(flush_ids(world->sink(), kZero, "me", true, 10, 12, {"d"}) == FlushOutcome::committed);
  CHECK(flush_ids(world->live(), kZero, "live", false, 10, 12) == FlushOutcome::committed);
  CHECK(world->builder().live_positions() ==
        std::map<Partition, Offset>{{kZero, Offset{12}}, {kOne, Offset{20}}});
}

void it_is_ready_once_it_is_close(const MakeBuilder& make) {
  const auto world = begun(make);
  world->builder().note_ready(1000);
  CHECK_FALSE(world->ready());  // nothing is loaded
  load_ids(world->builder(), kOne, "me", 20, {"b"});
  world->builder().note_ready(1000);
  CHECK_FALSE(world->ready());  // one is not
  load_ids(world->builder(), kZero, "me", 5, {"a"});
  CHECK(world->builder().advance() == BuildPhase::following);
  world->builder().note_ready(4);
  CHECK_FALSE(world->ready());  // it is 5 behind
  world->builder().note_ready(5);
  CHECK(world->ready());
  flush_ids(world->live(), kZero, "live", true, 10, 1000);
  world->builder().note_ready(5);
  CHECK(world->ready());
}

}  // namespace

void generation_builder_contract(const MakeBuilder& make) {
  SECTION("positions say what is loaded") { positions_say_what_is_loaded(make); }
  SECTION("live positions are those of partitions that were taken") {
    live_positions_are_those_that_were_taken(make);
  }
  SECTION("it hurries while a swap waits for computed rows") {
    it_hurries_while_a_swap_waits(make);
  }
  SECTION("a load says which keys are due") { a_load_says_what_is_due(make); }
  SECTION("a note adds what was refused, and never goes back") {
    a_note_adds_what_was_refused(make);
  }
  SECTION("a fenced note changes nothing") { a_fenced_note_changes_nothing(make); }
  SECTION("a load moves rows and position together") { a_load_moves_rows_and_position(make); }
  SECTION("a fenced load changes nothing") { a_fenced_load_changes_nothing(make); }
  SECTION("nothing is loaded twice") { nothing_is_loaded_twice(make); }
  SECTION("nothing is loaded where nothing is live") {
    nothing_is_loaded_where_nothing_is_live(make);
  }
  SECTION("two loaders take a partition each") { two_loaders_take_a_partition_each(make); }
  SECTION("a load whose answer is lost is settled by `loaded`") {
    a_lost_answer_is_settled_by_loaded(make);
  }
  SECTION("phases follow what is loaded") { phases_follow_what_is_loaded(make); }
  SECTION("flushes of another generation stay behind the live one's") {
    flushes_stay_behind_the_live_ones(make);
  }
  SECTION("a flush passes only where the generation is what it was at the claim") {
    a_flush_knows_whether_it_is_live(make);
  }
  SECTION("it is ready once it is close to the live one, for good") {
    it_is_ready_once_it_is_close(make);
  }
}

}  // namespace sluice::testing

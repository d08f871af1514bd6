// Derived records, step by step: what a projector sends on, and when. What can go wrong in between,
// in any order, is simulation_test's.

#include <catch2/catch.hpp>

#include "sluice/state.pb.h"
#include "storage/base/errors.h"
#include "tests/simulation/two_sides.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

TEST_CASE("a derived record says what it is, for whom, and where it comes from") {
  Pair p;
  p.add("box", "m", "e0");
  p.tally.now -= milliseconds{50};  // a clock behind: the source's record time stays
  p.add("box", "n", "e1");
  p.tally.flush();
  const auto log = p.roster.log();
  REQUIRE(ids(log) == Ids{"tally:0@0/0", "tally:0@1/0"});
  const Envelope& derived = log[1];
  CHECK(derived.type() == "member.entered");
  CHECK(derived.domain() == "roster");
  CHECK(derived.key() == "n");
  CHECK(derived.source() == "/tally");
  CHECK(derived.actor().role() == Actor::ROLE_SERVICE);
  CHECK(derived.recorded_at() == 1'700'000'000'000);
  CHECK(derived.origin().projection() == "tally");
  CHECK(derived.origin().position() == 1);
  CHECK(derived.origin().ordinal() == 0);
}

TEST_CASE("what was emitted stands in its stream before the view moves, and is appended once") {
  Pair p;
  p.add("box", "m", "e0");
  p.tally.sink.fail_next_flush();
  CHECK_THROWS_AS(p.tally.flush(), Retryable);
  CHECK(p.tally.views.position(kOnly).position == Offset{0});
  CHECK(ids(p.roster.log()) == Ids{"tally:0@0/0"});
  p.add("box", "n", "e1");
  p.tally.flush();
  CHECK(ids(p.roster.log()) == Ids{"tally:0@0/0", "tally:0@1/0"});
}

TEST_CASE("a flush whose append fails moves nothing, and goes on without a gap") {
  Pair p;
  const auto kept = static_cast<std::size_t>(GENERATE(0, 1, 2));
  for (int i = 0; i < 5; ++i) p.add("box", "m" + std::to_string(i), "e" + std::to_string(i));
  p.tally.fold();
  p.log.fail_next_append(kept);
  CHECK_THROWS_AS(p.tally.flush(), Retryable);
  CHECK(p.tally.projector->intact());
  CHECK(p.tally.views.position(kOnly).position == Offset{0});
  CHECK(p.roster.log().size() == kept);  // two an append: nothing of the next
  p.tally.flush();
  p.roster.flush();
  CHECK(p.roster.rows<roster::Person>().size() == 5);
  CHECK(p.roster.views.position(kOnly).position == Offset{5 + static_cast<int>(kept)});
}

TEST_CASE("what died between append and commit is emitted again, and counts once") {
  Pair p;
  p.add("box", "m", "e0");
  p.remove("box", "m", "e1");
  p.tally.sink.fail_next_flush();
  CHECK_THROWS_AS(p.tally.flush(), Retryable);
  p.tally.restart();
  p.tally.flush();
  CHECK(ids(p.roster.log()) == Ids{"tally:0@0/0", "tally:0@1/0", "tally:0@0/0", "tally:0@1/0"});
  CHECK(p.person().entries() == 1);
  CHECK(p.person().exits() == 1);
  CHECK(p.roster.views.rejections(kOnly).empty());
}

TEST_CASE("what the view has is not emitted again by a replay, nor by a refold") {
  Pair p;
  p.add("box", "m", "e0");
  p.tally.flush();
  SECTION("state lost its newest batch") { p.tally.state.lose_newest(1); }
  SECTION("state is gone") { p.tally.state = MemoryState(); }
  p.tally.restart();
  p.add("box", "n", "e1");
  p.tally.flush();
  CHECK(ids(p.roster.log()) == Ids{"tally:0@0/0", "tally:0@1/0"});
}

TEST_CASE("only the live generation emits, and only from where it was told to") {
  Time now{milliseconds{1'700'000'000'000}};
  MemoryLog log{[&] { return now; }};
  const auto emitted = [&](bool live, Offset from) {
    log.create("roster.events", 1);
    Side tally(log, describe<Tally>("tally"), live, from);
    tally::Event event;
    event.mutable_member_added()->set_box_id("box");
    for (const char* member : {"a", "b", "c"}) {
      event.mutable_member_added()->set_member(member);
      tally.post(event, "box", member);
    }
    tally.flush();
    return log.range("roster.events", kOnly).end;
  };
  SECTION("live, from the start") { CHECK(emitted(true, Offset{0}) == Offset{3}); }
  SECTION("live, from the third") { CHECK(emitted(true, Offset{2}) == Offset{1}); }
  SECTION("not live") { CHECK(emitted(false, Offset{0}) == Offset{0}); }
}

TEST_CASE("what a rejected fact emitted is dropped") {
  Pair p;
  p.remove("box", "m", "e0");
  p.add("box", "m", "e1");
  p.tally.flush();
  CHECK(p.tally.views.rejections(kOnly).size() == 1);
  CHECK(ids(p.roster.log()) == Ids{"tally:0@1/0"});
}

// By key and stream: how many records, and their digest.
std::vector<std::string> emissions(Side& side) {
  std::vector<std::string> all;
  for (const SluiceEmission& row : side.rows<SluiceEmission>()) {
    all.push_back(row.key() + " " + row.stream() + " " + std::to_string(row.records()) + " " +
                  std::to_string(row.digest()));
  }
  return all;
}

TEST_CASE("what each key has emitted is published as a digest, of keys and events in order") {
  const auto told = [](const std::vector<std::string>& members) {
    Pair p;
    for (const std::string& member : members) p.add("box", member, "e" + member);
    p.tally.flush();
    return emissions(p.tally);
  };
  const auto both = told({"a", "b"});
  REQUIRE(both.size() == 1);
  CHECK(both.front().starts_with("box roster.events 2 "));
  CHECK(told({"a", "b"}) == both);
  CHECK(told({"b", "a"}) != both);
  CHECK(told({"a", "c"}) != both);
  CHECK(told({}).empty());
}

TEST_CASE("what a rejected fact emitted is in no digest") {
  Pair one;
  one.remove("box", "m", "e0");
  one.add("box", "m", "e1");
  one.tally.flush();
  Pair other;
  other.add("box", "m", "e1");
  other.tally.flush();
  CHECK(emissions(one.tally) == emissions(other.tally));
  CHECK(emissions(one.tally).size() == 1);
}

TEST_CASE("digests are the same whether or not anything is sent, and after a refold") {
  Pair p;
  p.add("box", "m", "e0");
  p.tally.flush();
  SECTION("state lost its newest batch") { p.tally.state.lose_newest(1); }
  SECTION("state is gone") { p.tally.state = MemoryState(); }
  p.tally.restart();
  p.add("box", "n", "e1");
  p.tally.flush();
  Pair whole;
  whole.add("box", "m", "e0");
  whole.add("box", "n", "e1");
  whole.tally.flush();
  CHECK(emissions(p.tally) == emissions(whole.tally));
  const auto told = [](Offset from) {
    Time now{milliseconds{1'700'000'000'000}};
    MemoryLog log{[&] { return now; }};
    log.create("roster.events", 1);
    Side tally(log, describe<Tally>("tally"), true, from);
    tally::Event event;
    event.mutable_member_added()->set_box_id("box");
    for (const char* member : {"m", "n"}) {
      event.mutable_member_added()->set_member(member);
      tally.post(event, "box", member);
    }
    tally.flush();
    CHECK(log.range("roster.events", kOnly).end == Offset{2 - from.value});
    return emissions(tally);
  };
  CHECK(told(Offset{2}) == told(Offset{0}));
}

TEST_CASE("a domain that does not say that it emits may not") {
  Time now{milliseconds{1'700'000'000'000}};
  MemoryLog log{[&] { return now; }};
  log.create("roster.events", 1);
  Projection silent = describe<Tally>("tally");
  silent.emits = false;
  Side tally(log, silent);
  tally::Event event;
  event.mutable_member_added()->set_box_id("box");
  event.mutable_member_added()->set_member("m");
  tally.post(event, "box", "e0");
  tally.flush();
  const auto quarantined = tally.views.quarantined(kOnly);
  REQUIRE(quarantined.size() == 1);
  CHECK_THAT(quarantined.front().reason, Catch::Contains("kEmits"));
  CHECK(emissions(tally).empty());
}

TEST_CASE("one fact may emit many; they count for the bound on what is not flushed") {
  Pair p;
  p.tally.limits.dirty_rows = 30;
  for (int i = 0; i < 9; ++i) p.add("box", "m" + std::to_string(i), "e" + std::to_string(i));
  p.tally.flush();
  REQUIRE_FALSE(p.tally.projector->full());
  p.empty("box", "all");
  for (int i = 0; i < 10; ++i) p.add("box", "n" + std::to_string(i), "f" + std::to_string(i));
  p.tally.fold();
  CHECK(p.tally.projector->full());  // 20 rows, 19 derived records
  p.tally.flush();
  CHECK_FALSE(p.tally.projector->full());
  const auto log = p.roster.log();
  REQUIRE(log.size() == 28);
  CHECK(log[9].id() == "tally:0@9/0");
  CHECK(log[17].id() == "tally:0@9/8");
  CHECK(log[18].id() == "tally:0@10/0");
}

}  // namespace
}  // namespace sluice

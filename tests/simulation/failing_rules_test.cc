// Rules that throw: the record, or the timer, waits in quarantine, nothing else notices, and the
// refold has the same.

#include <catch2/catch.hpp>
#include <string>

#include "tests/simulation/failing_boxes.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

}  // namespace

TEST_CASE("a record whose rule throws waits, as if it had not been folded, and others go on") {
  Boxes boxes;
  boxes.pass_to(0, 4);
  const std::string before = boxes.box("b");
  const auto [stay, says] = GENERATE(values<std::pair<std::int64_t, std::string>>(
      {{kThrows, "such a stay is not to be had"},
       {kBreaksCheck, "CHECK failed: stay_ms % 64 != 13"},
       {kThrowsText, "what they threw is no std::exception"}}));
  boxes.pass_to(2, 4);
  boxes.add_for("b", "n", stay);
  boxes.add("c", "m", "another key");
  boxes.add("b", "o", "behind it");
  const auto waiting = boxes.quarantined();
  REQUIRE(waiting.size() == 2);
  CHECK(waiting[0].key == "b");
  CHECK(waiting[0].parks_key);
  CHECK_THAT(waiting[0].reason, Catch::StartsWith("its rules failed: " + says));
  CHECK(waiting[1].reason == "waits behind an earlier record of its key");
  CHECK(boxes.members("b") == "m");
  CHECK(boxes.members("c") == "m");
  // Nothing was set that fires, nor told.
  boxes.pass(milliseconds(1000));
  boxes.tick();
  boxes.tally.flush();
  CHECK(boxes.box("b") == before);
  CHECK(boxes.roster.log().size() == 2);
  // Its id has not counted: it is folded once released, where it does not fail. Its stay is over.
  boxes.pass_to(0, 4);
  boxes.release("b");
  CHECK(boxes.quarantined().empty());
  CHECK(boxes.members("b") == "mo");
  CHECK(boxes.roster.log().size() == 5);
}

TEST_CASE("a released record that fails again stays, and says why") {
  Boxes boxes;
  boxes.tally.append_bytes("b", "garbage");
  const std::int64_t garbage = boxes.end() - 1;
  boxes.add_for("b", "n", kThrows);
  REQUIRE(boxes.quarantined()[1].reason == "waits behind an earlier record of its key");
  boxes.pass_to(1, 4);
  boxes.discard("b", garbage);
  REQUIRE(boxes.quarantined().size() == 1);
  CHECK_THAT(boxes.quarantined()[0].reason, Catch::StartsWith("its rules failed: "));
  CHECK(boxes.quarantined()[0].value.has_value());
  boxes.pass_to(0, 4);
  boxes.release("b");
  CHECK(boxes.quarantined().empty());
  CHECK(boxes.members("b") == "mn");
}

TEST_CASE("a timer whose rule throws waits, and behind it its key's timers and records, in order") {
  Boxes boxes;
  const std::int64_t stay = GENERATE(kTimerThrows, kTimerForEver);
  boxes.add_for("b", "n", 1600 + stay);
  boxes.add_for("b", "o", 3200);
  boxes.add_for("c", "n", 3200);
  boxes.pass(milliseconds(900));
  boxes.pass_to(1, 3);
  boxes.tick();  // "n" is to be warned
  REQUIRE(boxes.quarantined().size() == 1);
  const QuarantinedRecord entry = boxes.quarantined()[0];
  CHECK(entry.position == Offset{-1});
  CHECK(entry.key == "b");
  CHECK(entry.value == "");
  CHECK_THAT(entry.reason,
             Catch::StartsWith("timer \"b/n\" of kind 0, set at offset 1: its rules failed: "));
  boxes.pass(milliseconds(10'000));
  boxes.pass_to(1, 3);
  boxes.tick();
  boxes.add("b", "p", "behind");
  CHECK(boxes.members("b") == "mno");
  CHECK(boxes.members("c").empty());
  REQUIRE(boxes.quarantined().size() == 2);
  boxes.tally.restart();

  SECTION("released where it fails again, it stays") {
    boxes.pass_to(1, 3);
    boxes.release("b");
    CHECK(boxes.members("b") == "mno");
    REQUIRE(boxes.quarantined().size() == 2);
    CHECK(boxes.quarantined()[0].position == Offset{-2});
    boxes.pass_to(0, 3);
    boxes.release("b");
    CHECK(boxes.quarantined().empty());
  }
  SECTION("released, it fires, then what waited") {
    boxes.pass_to(0, 3);
    boxes.release("b");
    CHECK(boxes.quarantined().empty());
    CHECK(boxes.members("b") == "mp");
  }
  SECTION("discarded, it never fires, and the others do") {
    boxes.pass_to(0, 3);
    boxes.discard("b", -1);
    CHECK(boxes.quarantined().empty());
    CHECK(boxes.members("b") == "mp");
  }
  SECTION("what a discard lets go on may fail in its turn") {
    boxes.pass_to(1, 3);
    boxes.discard("b", -1);
    REQUIRE(boxes.quarantined().size() == 2);
    CHECK_THAT(boxes.quarantined()[0].reason, Catch::StartsWith("timer \"b/n\" of kind 1"));
    CHECK(boxes.members("b") == "mno");
  }
  CHECK(boxes.refolded(0) == boxes.rows());
}

TEST_CASE("a record that moves time to its own key's failing timer waits behind it") {
  Boxes boxes;
  boxes.add_for("b", "n", 1600 + kTimerThrows);
  boxes.pass_to(1, 3);
  boxes.pass(milliseconds(900));
  boxes.add("b", "o", "late");
  REQUIRE(boxes.quarantined().size() == 2);
  CHECK(boxes.quarantined()[1].reason == "waits behind an earlier record of its key");
  CHECK(boxes.members("b") == "mn");
  boxes.pass_to(0, 3);
  boxes.release("b");
  CHECK(boxes.members("b") == "mno");
}

TEST_CASE("refolds have the same, whenever they write") {
  Boxes boxes;
  for (int i = 0; i < 40; ++i) {
    const std::string box = "b" + std::to_string(i % 7);
    const std::int64_t odd = i % 3 == 0 ? kBadStays[static_cast<std::size_t>(i) / 3 % 5] : 0;
    boxes.add_for(box, "m" + std::to_string(i % 3), 768 + odd);
    boxes.pass(milliseconds(70));
    if (i % 9 == 8) boxes.release(box);
    if (i % 5 == 0) boxes.tally.flush();
    if (i % 11 == 0) boxes.tally.restart();
  }
  REQUIRE(boxes.quarantined().size() > 5);
  CHECK(boxes.refolded(0) == boxes.rows());
  CHECK(boxes.refolded(10'000) == boxes.rows());
  CHECK(boxes.refolded(1U << 30) == boxes.rows());
}

TEST_CASE("what was emitted before a flush failed is told once, though it is folded again") {
  Boxes boxes;
  boxes.add("b", "n", "told");
  boxes.tally.sink.fail_next_flush();
  CHECK_THROWS_AS(boxes.tally.flush(), Retryable);
  const std::size_t told = boxes.roster.log().size();
  REQUIRE(told == 2);
  boxes.pass_to(2, 4);
  boxes.add_for("b", "o", kThrows);
  boxes.add("c", "n", "after");
  CHECK(boxes.members("b") == "mn");
  // The two again, which their receiver knows, and the new one.
  CHECK(boxes.roster.log().size() == 2 * told + 1);
  boxes.roster.flush();
  std::int64_t entries = 0;
  for (const auto& person : boxes.roster.rows<roster::Person>()) entries += person.entries();
  CHECK(entries == 3);
}

TEST_CASE("many failures cost a little each, not the batch each") {
  Boxes boxes;
  boxes.tally.flushes_when_full = true;
  constexpr int kGood = 3000;
  constexpr int kBad = 300;
  for (int i = 0; i < kGood; ++i) boxes.add("good" + std::to_string(i), "m", std::to_string(i));
  for (int i = 0; i < kBad; ++i) {
    boxes.pass_to(2, 4);
    boxes.add_for("bad" + std::to_string(i), "m", kThrows);
  }
  CHECK(boxes.quarantined().size() == kBad);
  CHECK(boxes.tally.folds < 3 * kGood + kBad * 300);
}

}  // namespace sluice

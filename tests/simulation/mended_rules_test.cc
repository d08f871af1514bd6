// Rules that somebody has mended without raising their version, over a state that those before have
// folded: a key alone is folded by the index all the same, and what differs is told.

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/folded_boxes.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// A stay at which the rules throw, and no timer comes due.
constexpr std::int64_t kForLong = 64'000'000'000 + kThrows;

struct Waiting : Boxes {
  void until_fails() {
    while (end() % 4 == 0) tick();
  }
  void until_folds() { pass_to(0, 4); }

  void post(const std::string& member, const std::string& id, std::int64_t stay_ms = kForLong) {
    tally.post(added(member, stay_ms), "b", id);
  }
  void edit(std::int64_t offset, const std::string& member, const std::string& id) {
    Envelope envelope;
    envelope.set_id(id);
    envelope.set_key("b");
    envelope.set_recorded_at(now.time_since_epoch().count());
    envelope.set_payload(added(member, 64'000'000'000).SerializeAsString());
    Control edit;
    edit.mutable_edit()->set_offset(offset);
    edit.mutable_edit()->set_value(envelope.SerializeAsString());
    control("b", edit);
  }
  void expel(const std::string& member, std::int64_t position) {
    Envelope envelope;
    envelope.set_id("told" + std::to_string(position));
    envelope.set_key("b");
    envelope.set_recorded_at(now.time_since_epoch().count());
    envelope.mutable_actor()->set_role(Actor::ROLE_SERVICE);
    envelope.mutable_origin()->set_projection("roster");
    envelope.mutable_origin()->set_position(position);
    tally::Event event;
    event.mutable_member_expelled()->set_box_id("b");
    event.mutable_member_expelled()->set_member(member);
    envelope.set_payload(event.SerializeAsString());
    tally.append(envelope);
  }
  void repair() {
    Control repair;
    repair.mutable_repair();
    control("b", repair);
  }
  // "n" waits. Returns where.
  std::int64_t fails_to_add_n() {
    until_fails();
    post("n", "n");
    return end() - 1;
  }
  [[nodiscard]] std::int64_t times(const std::string& member) {
    tally.flush();
    for (const auto& row : tally.rows<tally::Member>()) {
      if (row.member() == member) return row.times();
    }
    return 0;
  }
  static tally::Event added(const std::string& member, std::int64_t stay_ms) {
    tally::Event event;
    event.mutable_member_added()->set_box_id("b");
    event.mutable_member_added()->set_member(member);
    event.mutable_member_added()->set_stay_ms(stay_ms);
    return event;
  }
};

struct Case {
  const char* what;
  std::function<void(Waiting&)> happens;
};

std::vector<Case> cases() {
  return {
      {"nobody decided anything",
       [](Waiting& w) {
         w.fails_to_add_n();
         w.post("o", "o");
       }},
      {"it was discarded, and came again",
       [](Waiting& w) {
         const std::int64_t at = w.fails_to_add_n();
         w.discard("b", at);
         w.until_folds();
         w.post("n", "n");
       }},
      {"it came again while it waited, and the first was discarded",
       [](Waiting& w) {
         const std::int64_t at = w.fails_to_add_n();
         w.post("n", "n");
         w.until_folds();
         w.discard("b", at);
         w.post("n", "n");
       }},
      {"it was discarded, and its id had another content then",
       [](Waiting& w) {
         const std::int64_t at = w.fails_to_add_n();
         w.discard("b", at);
         w.until_folds();
         w.post("o", "n");
       }},
      {"it was edited, and came again",
       [](Waiting& w) {
         const std::int64_t at = w.fails_to_add_n();
         w.edit(at, "edited", "n");
         w.post("n", "n");
         w.post("edited", "n", 64'000'000'000);
       }},
      {"it was released, and came again",
       [](Waiting& w) {
         w.fails_to_add_n();
         w.until_folds();
         w.release("b");
         w.post("n", "n");
       }},
      {"others' facts waited behind it, and came twice",
       [](Waiting& w) {
         const std::int64_t at = w.fails_to_add_n();
         w.expel("m", 7);
         w.expel("m", 7);
         w.until_folds();
         w.discard("b", at);
         w.expel("m", 7);
         w.expel("n", 8);
       }},
      {"it was discarded twice, the second time in vain",
       [](Waiting& w) {
         const std::int64_t at = w.fails_to_add_n();
         w.discard("b", at);
         w.discard("b", at);
         w.until_folds();
         w.post("n", "n");
       }},
  };
}

}  // namespace

TEST_CASE("a key is folded alone by other rules than those that wrote the index, as they fold it") {
  const auto all = cases();
  const auto at = static_cast<std::size_t>(GENERATE(range(0, 8)));
  INFO(all.at(at).what);
  Waiting w;
  all.at(at).happens(w);
  w.post("last", "last", 64);
  const Projection failing = describe<Tally>("tally");
  const Projection mended = describe<MendedTally>("tally");
  Folded by_failing(failing, w.log);
  Folded by_mended(mended, w.log);
  const Alone alone_mended(mended, w.log, "b", by_failing.postings("b"));
  CHECK(alone_mended.rows == by_mended.rows("b"));
  CHECK(alone_mended.refold.by_other_rules());
  const Alone alone_failing(failing, w.log, "b", by_mended.postings("b"));
  CHECK(alone_failing.rows == by_failing.rows("b"));
  CHECK(alone_failing.refold.by_other_rules());
  const Alone own(failing, w.log, "b", by_failing.postings("b"));
  CHECK(own.rows == by_failing.rows("b"));
  CHECK_FALSE(own.refold.by_other_rules());
}

TEST_CASE("what no rules make of a key's records is told of as damage, and what to do then") {
  Waiting w;
  const Projection rules = describe<Tally>("tally");
  const auto contradicts = [&](std::int64_t offset) {
    Postings postings = Folded(rules, w.log).postings("b");
    const auto posting = std::ranges::find(postings, Offset{offset}, &Posting::offset);
    REQUIRE(posting != postings.end());
    posting->duplicate = !posting->duplicate;
    CHECK_THROWS_WITH(Alone(rules, w.log, "b", postings),
                      Catch::Contains("record at " + std::to_string(offset)) &&
                          Catch::Contains("damaged") && Catch::Contains("`sluice rebuild tally`"));
  };
  w.post("n", "n", 64);
  contradicts(1);
  w.post("n", "n", 64);
  contradicts(2);
  // Whatever waited: a derived record is taken as it comes.
  w.until_fails();
  w.post("o", "o");
  w.expel("m", 7);
  w.expel("m", 7);
  contradicts(w.end() - 1);
}

TEST_CASE("a repair by other rules leaves alone what would then be folded a second time") {
  Waiting w;
  const std::int64_t at = w.fails_to_add_n();
  w.tally.flush();
  SECTION("as it waits, and is released") {
    w.tally.run(describe<MendedTally>("tally"));
    w.repair();
    CHECK(w.times("n") == 0);
    w.release("b");
    CHECK(w.times("n") == 1);
  }
  SECTION("as it was discarded, and comes again") {
    w.discard("b", at);
    w.tally.flush();
    w.tally.run(describe<MendedTally>("tally"));
    w.repair();
    CHECK(w.times("n") == 0);
    w.post("n", "n");
    CHECK(w.times("n") == 1);
  }
  SECTION("as a timer waits, and is released") {
    w.until_folds();
    w.release("b");
    w.add_for("b", "guest", 1600 + kTimerThrows);
    w.pass_to(1, 3);
    w.pass(milliseconds(900));
    w.tick();
    REQUIRE(w.quarantined().size() == 1);
    w.tally.run(describe<MendedTally>("tally"));
    const std::string before = w.box("b");
    w.repair();
    CHECK(w.box("b") == before);
  }
}

TEST_CASE("once what waited is released by mended rules, a repair corrects again") {
  Waiting w;
  w.fails_to_add_n();
  w.tally.flush();
  w.tally.run(describe<MendedTally>("tally"));
  w.release("b");
  REQUIRE(w.times("n") == 1);
  const std::string before = w.box("b");
  tally::Box wrong;
  wrong.set_box_id("b");
  wrong.set_members(77);
  w.tally.views.put(wrong);
  w.repair();
  CHECK(w.box("b") == before);
}

TEST_CASE("a discard touches what waits under its own key alone, whatever number it names") {
  Waiting w;
  w.add_for("b", "n", 1600 + kTimerThrows);
  w.tally.append_bytes("d", "garbage");
  const std::int64_t garbage = w.end() - 1;
  w.pass_to(1, 3);
  w.pass(milliseconds(900));
  w.tick();
  REQUIRE(w.quarantined().size() == 2);
  w.pass_to(0, 3);
  w.discard("c", -1);
  w.discard("b", garbage);
  CHECK(w.quarantined().size() == 2);
  CHECK(w.tally.views.decisions(kOnly).size() == 2);
  w.discard("d", garbage);
  REQUIRE(w.quarantined().size() == 1);
  CHECK(w.quarantined()[0].position == Offset{-1});
  const std::string key = GENERATE("b", "");
  w.pass_to(0, 3);
  w.discard(key, -1);
  CHECK(w.quarantined().empty());
  CHECK(w.refolded(0) == w.rows());
}

}  // namespace sluice

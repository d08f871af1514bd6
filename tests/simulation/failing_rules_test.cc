// Rules that throw: the record, or the timer, waits in quarantine, nothing else notices, and the
// refold has the same.

#include <array>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "projectors/engine/fold/refold.h"
#include "projectors/engine/tables/stored_rows.h"
#include "storage/base/errors.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/both_domains.h"
#include "tests/simulation/two_sides.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// A tally with one member, "m" in box "b", and what may go wrong there. Offsets decide what fails:
// see tally/projection.cc.
struct Boxes : Pair {
  Boxes() { add("b", "m", "e0"); }

  void add_for(const std::string& box, const std::string& member, std::int64_t stay_ms) {
    tally::Event event;
    event.mutable_member_added()->set_box_id(box);
    event.mutable_member_added()->set_member(member);
    event.mutable_member_added()->set_stay_ms(stay_ms);
    tally.post(event, box, "e" + std::to_string(end()));
  }
  void control(const std::string& key, const Control& control) {
    Envelope envelope;
    envelope.set_key(key);
    envelope.set_recorded_at(now.time_since_epoch().count());
    *envelope.mutable_control() = control;
    tally.append(envelope);
  }
  void tick() {
    Control tick;
    tick.mutable_tick();
    control("", tick);
  }
  void release(const std::string& key) {
    Control release;
    release.mutable_release();
    control(key, release);
  }
  void discard(const std::string& key, std::int64_t offset) {
    Control discard;
    discard.mutable_discard()->set_offset(offset);
    control(key, discard);
  }
  void pass(milliseconds time) { tally.now = now += time; }
  // Until the next record has an offset of this remainder.
  void pass_to(std::int64_t remainder, std::int64_t of) {
    while (end() % of != remainder) tick();
  }
  [[nodiscard]] std::int64_t end() { return static_cast<std::int64_t>(tally.log().size()); }

  std::string members(const std::string& box) {
    tally.flush();
    std::string all;
    for (const auto& row : tally.rows<tally::Member>()) {
      if (row.box_id() == box) all += row.member();
    }
    return all;
  }
  std::string box(const std::string& id) {
    tally.flush();
    for (const auto& row : tally.rows<tally::Box>()) {
      if (row.box_id() == id) return text(row);
    }
    return {};
  }
  std::vector<QuarantinedRecord> quarantined() {
    tally.flush();
    return tally.views.quarantined(kOnly);
  }
  // As verify does it, writing its state behind every record or never.
  std::string refolded(std::size_t memory) {
    MemoryState state;
    MemoryStateStore store(state);
    const Projection projection = describe<Tally>("tally");
    const Generation generation{.projection = "tally",
                                .unique_id = "refold",
                                .version = projection.version,
                                .partitions = 1,
                                .dedupe_horizon = kHorizon,
                                .quarantine_retention = kRetention};
    Refold refold(projection, generation, kOnly, {memory, 1U << 20}, store);
    const auto& records = log.records("tally.events", kOnly);
    while (refold.position().value < static_cast<std::int64_t>(records.size())) {
      const auto& r = records[static_cast<std::size_t>(refold.position().value)];
      static_cast<void>(refold.fold({kOnly, r.offset, r.appended_at, r.key(), r.value()}));
    }
    refold.write_state();
    std::string all;
    for (const auto* row : {tally::Box::descriptor(), tally::Member::descriptor()}) {
      StoredRows rows(store,
                      *google::protobuf::MessageFactory::generated_factory()->GetPrototype(row));
      while (const auto* next = rows.next()) all += text(*next) + "\n";
    }
    return all;
  }
  // Of the rows alone: of a box what readers see of it.
  std::string rows() {
    tally.flush();
    std::string all;
    for (const auto& row : tally.rows<tally::Box>()) all += text(row) + "\n";
    for (const auto& row : tally.rows<tally::Member>()) all += text(row) + "\n";
    return all;
  }
  static std::string text(const google::protobuf::Message& row) {
    if (row.GetDescriptor() != tally::Box::descriptor()) return row.ShortDebugString();
    tally::Box shown;
    shown.CopyFrom(row);
    shown.clear_changed_at();
    return shown.ShortDebugString();
  }
};

// Stays, beyond a multiple of 64, at which a rule fails in one way or another.
constexpr std::int64_t kThrows = 5;
constexpr std::int64_t kBreaksCheck = 13;
constexpr std::int64_t kThrowsText = 21;
constexpr std::int64_t kTimerThrows = 35;
constexpr std::int64_t kTimerForEver = 43;
constexpr std::array kBadStays{kThrows, kBreaksCheck, kThrowsText, kTimerThrows, kTimerForEver};

// Deliberation, of which votes with this id throw once they are folded, and what waits is told of
// as long as that does not fail, too.
struct Failing {
  using Event = deliberation::Event;
  static constexpr int kVersion = Deliberation::kVersion;
  explicit Failing(Tables& tables) : rules(tables) {}
  void fold(const Event& event, const Record& record, Effects& effects) {
    rules.fold(event, record, effects);
    if (event.has_opinion_created() && event.opinion_created().opinion_id().starts_with("bad")) {
      throw std::runtime_error("a bad opinion");
    }
  }
  void waits(const Event& event, const std::string& person, Effects& effects) {
    rules.waits(event, person, effects);
    if (event.has_opinion_created() && event.opinion_created().opinion_id() == "bad-to-wait") {
      throw std::runtime_error("it cannot wait, either");
    }
  }
  Deliberation rules;
};

// A tally whose rows cannot be brought up to date.
struct Unrefreshed : Tally {
  using Tally::Tally;
  static inline bool fails = false;
  void refresh() {
    Tally::refresh();
    if (fails) throw std::runtime_error("the first is nobody");
  }
};

// The record that waits, as a release of the program left it that knew no parked keys.
void forget_parked_keys(MemoryState& state) {
  MemoryStateStore store(state);
  std::string head;
  REQUIRE(store.get("head", head));
  StateCheckpoint checkpoint;
  REQUIRE(checkpoint.ParseFromString(head));
  REQUIRE(checkpoint.has_parking());
  checkpoint.clear_parking();
  StateBatch batch;
  batch.put("head", checkpoint.SerializeAsString());
  for (const auto* table : {ParkedKey::descriptor(), ParkedPosition::descriptor()}) {
    std::string prefix;
    row_key::append_prefix(prefix, row_key::table_prefix(*table));
    batch.erase_range(prefix, row_key::after_prefix(prefix));
  }
  store.write(batch);
}

// The most natural first table: a total under a constant.
struct Total {
  using Event = tally::Event;
  static constexpr int kVersion = 1;
  explicit Total(Tables& tables) : boxes(tables) {}
  void fold(const Event&, const Record&, Effects&) {
    tally::Box& all = boxes.edit(std::string("all"));
    all.set_changes(all.changes() + 1);
  }
  Table<tally::Box> boxes;
};

}  // namespace

TEST_CASE("a row under a key that is not the record's stops the projection and says what to do") {
  Pair p;
  p.tally.run(describe<Total>("tally"));
  p.add("all", "m", "1");
  p.tally.flush();
  p.tally.restart();
  p.add("b", "m", "2");
  p.tally.flush();  // the row is there: only who makes one is looked at
  Pair other;
  other.tally.run(describe<Total>("tally"));
  other.add("b", "m", "1");
  CHECK_THROWS_AS(other.tally.flush(), Corrupt);
  other.tally.restart();
  CHECK_THROWS_WITH(
      other.tally.flush(),
      Catch::StartsWith("a row of table tally.Box {box_id: \"all\"} belongs to the key \"all\" and "
                        "would be made by a record of the key \"b\": two partitions") &&
          Catch::Contains("belongs_to") && Catch::Contains("per_partition"));
  CHECK(other.tally.views.quarantined(kOnly).empty());
}

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

TEST_CASE("a fact that fails and is somebody's is told of, erased by a deletion, and lets go on") {
  FoldedDomain conversations(describe<Failing>("deliberation"));
  const auto post = [&](const deliberation::Event& event) {
    conversations.post(key_of(event), event);
  };
  post(facts::conversation("c", "olga", deliberation::PARTICIPATION_GUEST, {"s"}));
  conversations.fold();
  post(secret("bad", "eve"));
  post(facts::vote("c", "s", "ann", deliberation::CHOICE_AGREE));
  const auto told = conversations.fold();
  REQUIRE(conversations.quarantine().size() == 2);
  CHECK(conversations.quarantine().at(Offset{1}).reason == "its rules failed: a bad opinion");
  CHECK_THAT(conversations.tables(), !Catch::Contains("author_id: \"eve\""));
  // Who eve is, for her deletion to find the record, and ann.
  CHECK(told.size() == 2);
  post(facts::removed("c", "eve"));
  conversations.fold();
  CHECK(conversations.quarantine().empty());
  CHECK_THAT(conversations.tables(), !Catch::Contains("the secret"));
  CHECK_THAT(conversations.tables(), Catch::Contains("ann"));
  const std::string before = conversations.tables();
  conversations.refold();
  CHECK(conversations.tables() == before);
}

TEST_CASE("what cannot even be told of waits all the same, and ages out") {
  FoldedDomain conversations(describe<Failing>("deliberation"));
  const auto post = [&](const deliberation::Event& event) {
    conversations.post(key_of(event), event);
  };
  post(facts::conversation("c", "olga", deliberation::PARTICIPATION_GUEST, {"s"}));
  conversations.fold();
  post(secret("bad-to-wait", "eve"));
  CHECK(conversations.fold().empty());
  REQUIRE(conversations.quarantine().size() == 1);
  CHECK(conversations.quarantine().at(Offset{1}).value);
  conversations.pass(FoldedDomain::kRetention);
  conversations.tick();
  conversations.fold();
  CHECK_FALSE(conversations.quarantine().at(Offset{1}).value);
}

TEST_CASE("where refresh() throws no record is to blame: the partition stops and says so") {
  Pair p;
  p.tally.run(describe<Unrefreshed>("tally"));
  p.add("b", "m", "1");
  Unrefreshed::fails = true;
  CHECK_THROWS_WITH(p.tally.flush(),
                    "tally partition 0 is stopped, nothing was changed: refresh() of its rules "
                    "failed: the first is nobody");
  CHECK_THROWS_AS(p.tally.flush(), Corrupt);
  CHECK_FALSE(p.tally.projector->intact());
  CHECK(p.tally.rows<tally::Member>().empty());
  Unrefreshed::fails = false;
  p.tally.restart();
  p.tally.flush();
  CHECK(p.tally.rows<tally::Member>().size() == 1);
}

TEST_CASE("a state that has parked records and does not say which keys are parked is read once") {
  Boxes boxes;
  boxes.tally.append_bytes("b", "garbage");
  boxes.tally.append_bytes("c", "garbage");
  boxes.add("b", "n", "behind");
  REQUIRE(boxes.quarantined().size() == 3);
  forget_parked_keys(boxes.tally.state);
  boxes.tally.restart();
  boxes.add("b", "o", "behind, too");
  boxes.add("c", "o", "behind, too");
  CHECK(boxes.quarantined().size() == 5);
  boxes.discard("b", 1);
  boxes.discard("c", 2);
  CHECK(boxes.quarantined().empty());
  CHECK(boxes.members("b") == "mno");
  CHECK(boxes.members("c") == "o");
}

}  // namespace sluice

// Domains whose rules cannot be folded by: what belongs nowhere, what fails when it is to be told
// of or brought up to date, and states of before.

#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>

#include "storage/base/errors.h"
#include "tests/simulation/both_domains.h"
#include "tests/simulation/failing_boxes.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// Deliberation, of which votes with this id throw once they are folded, and what waits is told of
// as long as that does not fail, too.
struct Failing {
  using Event = deliberation::Event;
  static constexpr int kVersion = Deliberation::kVersion;
  static constexpr bool kEmits = true;
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
  // The row is there, and another key's: a key could not be folded alone.
  CHECK_THROWS_AS(p.tally.flush(), Corrupt);
  Pair other;
  other.tally.run(describe<Total>("tally"));
  other.add("b", "m", "1");
  CHECK_THROWS_AS(other.tally.flush(), Corrupt);
  other.tally.restart();
  CHECK_THROWS_WITH(
      other.tally.flush(),
      Catch::StartsWith("a row of table tally.Box {box_id: \"all\"} belongs to the key \"all\" and "
                        "would be made or changed by a record of the key \"b\": two partitions") &&
          Catch::Contains("belongs_to") && Catch::Contains("per_partition"));
  CHECK(other.tally.views.quarantined(kOnly).empty());
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

// A key is repaired: whatever was done to its rows in the state and in the view, wherever the
// process then dies.

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "projectors/engine/tables/row_key.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"
#include "tests/simulation/two_sides.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

template <class Row>
std::string texts(Side& side) {
  std::vector<std::string> all;
  for (const Row& row : side.rows<Row>()) all.push_back(row.ShortDebugString());
  std::sort(all.begin(), all.end());
  std::string text;
  for (const std::string& row : all) text += row + "\n";
  return text;
}

template <class... Key>
std::string state_key(const google::protobuf::Descriptor& row, const Key&... key) {
  std::string bytes;
  row_key::append_prefix(bytes, row_key::table_prefix(row));
  (row_key::append_part(bytes, key), ...);
  return bytes;
}

// Two boxes with members; one member is to leave. Tests tamper with box "b"; box "c" is there so
// that a repair of "b" can be seen to leave it alone.
struct World : Pair {
  explicit World(int partitions = 1) : Pair(partitions) {
    tally.flushes_when_full = true;
    add("b", "m", "e0");
    add("b", "n", "e1");
    tally::Event stays;
    stays.mutable_member_added()->set_box_id("b");
    stays.mutable_member_added()->set_member("guest");
    stays.mutable_member_added()->set_stay_ms(600);
    tally.post(stays, "b", "e2");
    add("c", "m", "e3");
    tally.flush();
  }

  [[nodiscard]] std::string rows() {
    return texts<tally::Box>(tally) + texts<tally::Member>(tally);
  }

  void repair(const std::string& id, const std::string& key = "b") {
    Envelope envelope;
    envelope.set_id(id);
    envelope.set_key(key);
    envelope.set_recorded_at(tally.now.time_since_epoch().count());
    envelope.mutable_control()->mutable_repair();
    tally.append(envelope);
  }
  // What comes later is folded on what the state has.
  void go_on() {
    add("b", "late", "e9");
    remove("b", "n", "e10");
    tally.now += milliseconds{2000};
    add("c", "late", "e11");
    tally.flush();
  }

  void change_state(const std::function<void(StateBatch&)>& how) {
    StateBatch batch;
    how(batch);
    tally.state.write(batch);
  }
};

tally::Box wrong_box() {
  tally::Box box;
  box.set_box_id("b");
  box.set_members(77);
  box.set_changes(-3);
  return box;
}
tally::Member member(const std::string& name) {
  tally::Member row;
  row.set_box_id("b");
  row.set_member(name);
  row.set_times(5);
  return row;
}

struct Tampering {
  const char* what;
  std::function<void(World&)> with;
};

std::vector<Tampering> tamperings() {
  const auto& boxes = *tally::Box::descriptor();
  const auto& members = *tally::Member::descriptor();
  return {
      {"nothing", [](World&) {}},
      {"a row of the view is changed", [](World& w) { w.tally.views.put(wrong_box()); }},
      {"a row of the view is gone", [](World& w) { w.tally.views.take(member("m")); }},
      {"the view has a row too many", [](World& w) { w.tally.views.put(member("nobody")); }},
      {"a row of the state is changed",
       [&](World& w) {
         w.change_state([&](StateBatch& batch) {
           batch.put(state_key(boxes, std::string("b")), wrong_box().SerializeAsString());
         });
       }},
      {"a row of the state is gone",
       [&](World& w) {
         w.change_state([&](StateBatch& batch) {
           batch.erase(state_key(members, std::string("b"), std::string("n")));
         });
       }},
      {"the state has a row too many",
       [&](World& w) {
         w.change_state([&](StateBatch& batch) {
           batch.put(state_key(members, std::string("b"), std::string("nobody")),
                     member("nobody").SerializeAsString());
         });
       }},
      {"the state has forgotten its timers",
       [](World& w) {
         w.change_state([](StateBatch& batch) {
           for (const auto* table : {TimerRow::descriptor(), TimerTurn::descriptor()}) {
             std::string prefix;
             row_key::append_prefix(prefix, row_key::table_prefix(*table));
             batch.erase_range(prefix, row_key::after_prefix(prefix));
           }
         });
       }},
      {"all of it",
       [&](World& w) {
         w.tally.views.put(wrong_box());
         w.tally.views.take(member("m"));
         w.tally.views.put(member("nobody"));
         w.change_state([&](StateBatch& batch) {
           batch.put(state_key(boxes, std::string("b")), wrong_box().SerializeAsString());
           batch.erase(state_key(members, std::string("b"), std::string("m")));
         });
       }},
  };
}

// How the process comes to the end of its flush.
enum class Way { straight, restarted, dies_before, dies_after_commit, in_doubt, fails_once };

void flush(World& world, Way way) {
  Side& tally = world.tally;
  if (way == Way::dies_before) {
    tally.flushes_when_full = false;
    tally.fold();
    tally.flushes_when_full = true;
    tally.restart();
  } else if (way == Way::dies_after_commit) {
    const MemoryState before = tally.state;
    tally.flush();
    tally.state = before;
    tally.restart();
  } else if (way == Way::in_doubt) {
    tally.sink.lose_next_answer(LostAnswer::committed);
  } else if (way == Way::fails_once) {
    tally.sink.fail_next_flush();
    CHECK_THROWS_AS(tally.flush(), Retryable);
  }
  tally.flush();
  tally.flush();  // settles what is in doubt
}

}  // namespace

TEST_CASE("a repair makes state and view of a key what its records make of it") {
  World untouched;
  untouched.repair("r");
  untouched.tally.flush();
  const std::string expected = untouched.rows();
  untouched.go_on();
  const std::string later = untouched.rows();

  const auto all = tamperings();
  const auto at = static_cast<std::size_t>(GENERATE(range(0, 9)));
  const auto way = GENERATE(Way::straight, Way::restarted, Way::dies_before, Way::dies_after_commit,
                            Way::in_doubt, Way::fails_once);
  INFO(all.at(at).what << ", way " << static_cast<int>(way));
  World world;
  // Else rows in memory are as they were, over a store that is not.
  if (way != Way::straight) world.tally.projector.reset();
  all.at(at).with(world);
  if (way != Way::straight) world.tally.restart();
  world.repair("r");
  flush(world, way);
  CHECK(world.rows() == expected);
  world.go_on();
  CHECK(world.rows() == later);
  world.tally.restart();
  world.tally.flush();
  CHECK(world.rows() == later);
}

TEST_CASE("a repair of one key leaves another as it is") {
  World world;
  tally::Box box = wrong_box();
  box.set_box_id("c");
  world.tally.views.put(box);
  const std::string before = world.rows();
  world.repair("r");
  world.tally.flush();
  CHECK(world.rows() == before);
}

// As another producer's partitioner, or a copy of the topic with more partitions, may have it.
TEST_CASE("a repair in another partition than its key's leaves the rows of that partition alone") {
  constexpr int kPartitions = 2;
  const std::string foreign = "box2";
  REQUIRE(partition_of(foreign, kPartitions) != kOnly);
  World world(kPartitions);
  tally::Box box = wrong_box();
  box.set_box_id(foreign);
  world.tally.views.put(box);
  world.tally.append_bytes(foreign, "misrouted");
  const std::string before = world.rows();
  world.repair("r", foreign);
  world.tally.flush();
  CHECK(world.rows() == before);
  world.repair("s");
  world.tally.flush();
  CHECK(world.rows() == before);
}

TEST_CASE("a repair has its effect once, however often its record was appended") {
  World world;
  world.repair("r");
  world.tally.flush();
  world.tally.views.put(wrong_box());
  const std::string tampered = world.rows();
  world.repair("r");
  world.tally.flush();
  CHECK(world.rows() == tampered);
  world.repair("another");
  world.tally.flush();
  CHECK(world.rows() != tampered);
}

TEST_CASE("a control record of a kind that is not known stops the partition, by name") {
  World world;
  const std::string before = world.rows();
  Envelope envelope;
  envelope.set_key("b");
  Control& control = *envelope.mutable_control();
  Control::GetReflection()->MutableUnknownFields(&control)->AddLengthDelimited(1000, "later");
  world.tally.append(envelope);
  CHECK_THROWS_WITH(
      world.tally.flush(),
      Catch::Contains("a kind that this program does not know") && Catch::Contains("record at 4"));
  CHECK(world.rows() == before);
}

TEST_CASE("a control record of a known kind with a field that is not known stops the partition") {
  const auto unknown = [](google::protobuf::Message& message) {
    message.GetReflection()->MutableUnknownFields(&message)->AddVarint(1000, 1);
  };
  const std::vector<std::function<void(Control&)>> later{
      [&](Control& control) { unknown(*control.mutable_release()); },
      [&](Control& control) { unknown(*control.mutable_discard()); },
      [&](Control& control) { unknown(*control.mutable_edit()); },
      [&](Control& control) { unknown(*control.mutable_repair()); },
      [&](Control& control) { unknown(*control.mutable_tick()); },
      [&](Control& control) {
        control.mutable_release();
        unknown(control);
      }};
  for (const auto& made : later) {
    World world;
    const std::string before = world.rows();
    Envelope envelope;
    envelope.set_key("b");
    made(*envelope.mutable_control());
    INFO(envelope.ShortDebugString());
    world.tally.append(envelope);
    CHECK_THROWS_WITH(world.tally.flush(),
                      Catch::Contains("with a field that this program does not know") &&
                          Catch::Contains("record at 4"));
    CHECK(world.rows() == before);
  }
}

TEST_CASE("a control record that says nothing is quarantined, as other garbage") {
  World world;
  Envelope envelope;
  envelope.set_key("b");
  envelope.mutable_control();
  world.tally.append(envelope);
  world.tally.flush();
  CHECK(world.tally.views.quarantined(kOnly).size() == 1);
}

// What a key alone is folded by: nobody else has a hand in its rows.
TEST_CASE("a row is neither changed nor taken under another key than its own") {
  MemoryState state;
  MemoryStateStore store(state);
  Tables tables(store);
  Table<tally::Box> boxes(tables);
  tables.belong_to(kOnly, 1);
  const std::string own = "a";
  tables.make_for(own);
  boxes.edit(own).set_members(1);
  boxes.edit(own).set_members(2);
  const std::string other = "b";
  tables.make_for(other);
  CHECK_THROWS_AS(boxes.edit(own), Corrupt);
  CHECK_THROWS_AS(boxes.erase(own), Corrupt);
  CHECK(boxes.find(own)->members() == 2);
}

}  // namespace sluice

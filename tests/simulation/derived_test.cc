// Derived records, step by step: what a projector sends on, and what its receiver makes of it. What
// can go wrong in between, in any order, is simulation_test's.

#include <catch2/catch.hpp>
#include <map>
#include <optional>

#include "projectors/engine/projector.h"
#include "storage/errors.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/roster/projection.h"
#include "tests/simulation/tally/projection.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr Partition kOnly{0};
constexpr milliseconds kHorizon{1000};

Generation generation(const Projection& projection, bool live) {
  return {.projection = std::string(projection.name),
          .number = 1,
          .unique_id = "g",
          .version = projection.version,
          .partitions = 1,
          .dedupe_horizon = kHorizon,
          .live = live};
}

// Has the view's own positions but for where emitting begins.
class EmitsFrom final : public ProjectionSink {
 public:
  EmitsFrom(ProjectionSink& sink, Offset from) : sink_(sink), from_(from) {}
  Generation generation() override { return sink_.generation(); }
  ViewPosition take(Partition partition, std::string_view owner) override {
    ViewPosition view = sink_.take(partition, owner);
    view.emits_from = from_;
    return view;
  }
  std::optional<ViewPosition> position(Partition p) override { return sink_.position(p); }
  FlushOutcome flush(const FlushBatch& batch) override { return sink_.flush(batch); }
  void show_progress(std::span<const LogProgress> p) override { sink_.show_progress(p); }

 private:
  ProjectionSink& sink_;
  const Offset from_;
};

// One domain of one partition: its view, its state, and a projector that is made again by
// restart().
class Side {
 public:
  Side(MemoryLog& log, const Projection& projection, bool live = true, Offset emits_from = {})
      : log_(log),
        stream_(std::string(projection.name) + ".events"),
        projection_(projection),
        generation_(generation(projection, live)),
        emits_from_(emits_from),
        writer_(log.writer()),
        views(generation_),
        sink(views),
        emitter_(*writer_, log, 2) {
    log.create(stream_, 1);
  }

  // As after kill -9: memory is lost.
  void restart() {
    projector.reset();
    store_.emplace(state);
    projector.emplace(projection_, generation_, kOnly, std::to_string(++takings_), limits,
                      ProjectorParts{*store_, from_, emitter_, probe});
    position_ = projector->take(log_.range(stream_, kOnly));
  }

  void fold() {
    if (!projector) restart();
    for (const auto& stored : log_.records(stream_, kOnly)) {
      if (stored.offset < position_) continue;
      projector->fold({kOnly, stored.offset, stored.appended_at, stored.key(), stored.value()});
      position_ = stored.offset.next();
    }
  }

  void flush() {
    fold();
    projector->flush(log_.range(stream_, kOnly).end);
  }

  template <class Event>
  Envelope post(const Event& event, std::string key, std::string id) {
    Envelope envelope;
    envelope.set_id(std::move(id));
    envelope.set_key(key);
    envelope.set_recorded_at(now.time_since_epoch().count());
    envelope.set_payload(event.SerializeAsString());
    append(envelope);
    return envelope;
  }

  void append(const Envelope& envelope) {
    append_bytes(envelope.key(), envelope.SerializeAsString());
  }
  void append_bytes(const std::string& key, const std::string& bytes) {
    NewRecord record{kOnly, key, bytes};
    writer_->append(stream_, {&record, 1});
  }

  std::vector<Envelope> log() {
    std::vector<Envelope> all;
    for (const auto& stored : log_.records(stream_, kOnly)) {
      all.emplace_back().ParseFromString(std::string(stored.value()));
    }
    return all;
  }

  template <class Row>
  std::vector<Row> rows() {
    std::vector<Row> all;
    views.for_each_row<Row>([&](const Row& row) { all.push_back(row); });
    return all;
  }

 private:
  MemoryLog& log_;
  const std::string stream_;
  const Projection projection_;
  const Generation generation_;
  const Offset emits_from_;
  const std::unique_ptr<EventWriter> writer_;

 public:
  Time now{milliseconds{1'700'000'000'000}};
  ProjectorLimits limits;
  MemoryViews views;
  MemorySink sink;
  MemoryState state;
  Probe probe;
  std::optional<Projector> projector;

 private:
  EmitsFrom from_{sink, emits_from_};
  Emitter emitter_;
  std::optional<MemoryStateStore> store_;
  Offset position_;
  int takings_ = 0;
};

struct Pair {
  Time now{milliseconds{1'700'000'000'000}};
  MemoryLog log{[this] { return now; }};
  Side tally{log, describe<Tally>("tally")};
  Side roster{log, describe<Roster>("roster")};

  void add(const std::string& box, const std::string& member, const std::string& id) {
    tally::Event event;
    event.mutable_member_added()->set_box_id(box);
    event.mutable_member_added()->set_member(member);
    tally.post(event, box, id);
  }
  void empty(const std::string& box, const std::string& id) {
    tally::Event event;
    event.mutable_box_emptied()->set_box_id(box);
    tally.post(event, box, id);
  }
  void remove(const std::string& box, const std::string& member, const std::string& id) {
    tally::Event event;
    event.mutable_member_removed()->set_box_id(box);
    event.mutable_member_removed()->set_member(member);
    tally.post(event, box, id);
  }
  // Of the only person there is.
  roster::Person person() {
    roster.flush();
    const auto all = roster.rows<roster::Person>();
    REQUIRE(all.size() == 1);
    return all.front();
  }
};

std::vector<std::string> ids(const std::vector<Envelope>& envelopes) {
  std::vector<std::string> all;
  for (const Envelope& envelope : envelopes) all.push_back(envelope.id());
  return all;
}

using Ids = std::vector<std::string>;

}  // namespace

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

TEST_CASE("a derived record counts once for good, whatever the horizon") {
  Pair p;
  p.add("box", "m", "e0");
  p.tally.flush();
  const Envelope derived = p.roster.log().front();
  CHECK(p.person().entries() == 1);
  p.now += 10 * kHorizon;
  p.roster.now = p.now;
  roster::Event pardon;
  pardon.mutable_member_pardoned()->set_member("m");
  p.roster.post(pardon, "m", "later");
  p.roster.append(derived);
  CHECK(p.person().entries() == 1);
  SECTION("also after its state was lost") { p.roster.state = MemoryState(); }
  SECTION("also after a restart") {}
  p.roster.restart();
  p.roster.append(derived);
  CHECK(p.person().entries() == 1);
}

TEST_CASE("a derived record's id is not a producer's") {
  Pair p;
  p.add("box", "m", "e0");
  p.tally.flush();
  roster::Event ban;
  ban.mutable_member_banned()->set_member("m");
  p.roster.post(ban, "m", "tally:0@0/0");
  CHECK(p.person().banned());
}

TEST_CASE("a derived record that waits in quarantine is taken when released, once") {
  Pair p;
  p.roster.append_bytes("m", "garbage");
  p.add("box", "m", "e0");
  p.add("box", "n", "e1");
  p.tally.sink.fail_next_flush();
  CHECK_THROWS_AS(p.tally.flush(), Retryable);
  p.tally.restart();
  p.tally.flush();  // everything stands there twice
  p.roster.flush();
  // Those of its source for other keys have gone on.
  REQUIRE(p.roster.rows<roster::Person>().size() == 1);
  CHECK(p.roster.rows<roster::Person>().front().member() == "n");
  CHECK(p.roster.views.quarantined(kOnly).size() == 2);  // the repeat does not wait

  SECTION("after a restart too") { p.roster.restart(); }
  SECTION("at once") {}
  Envelope discard;
  discard.mutable_control()->mutable_discard()->set_offset(0);
  p.roster.append(discard);
  p.roster.flush();
  CHECK(p.roster.views.quarantined(kOnly).empty());
  for (const auto& person : p.roster.rows<roster::Person>()) CHECK(person.entries() == 1);
  CHECK(p.roster.rows<roster::Person>().size() == 2);
}

TEST_CASE("a derived record that was discarded does not come back as its repeat") {
  Pair p;
  p.add("box", "m", "e0");
  p.tally.flush();
  const Envelope derived = p.roster.log().front();
  Envelope broken = derived;
  broken.set_payload("no event");
  broken.mutable_origin()->set_position(7);
  p.roster.append(broken);
  Envelope discard;
  discard.mutable_control()->mutable_discard()->set_offset(1);
  p.roster.append(discard);
  Envelope repeat = derived;
  repeat.mutable_origin()->set_position(7);
  p.roster.append(repeat);
  CHECK(p.person().entries() == 1);
}

TEST_CASE("what a released record emits is behind what was emitted before") {
  Pair p;
  p.tally.append_bytes("box", "garbage");
  p.add("box", "m", "e0");
  p.add("other", "m", "e1");
  p.tally.flush();
  CHECK(ids(p.roster.log()) == Ids{"tally:0@2/0"});
  p.add("box", "n", "e2");
  Envelope discard;
  discard.mutable_control()->mutable_discard()->set_offset(0);
  p.tally.append(discard);
  p.tally.flush();
  CHECK(ids(p.roster.log()) == Ids{"tally:0@2/0", "tally:0@4/0", "tally:0@4/1"});
  p.roster.flush();
  CHECK(p.roster.rows<roster::Presence>().size() == 3);
}

TEST_CASE("what only a service may say is rejected of anybody else") {
  Pair p;
  roster::Event entered;
  entered.mutable_member_entered()->set_member("m");
  entered.mutable_member_entered()->set_box_id("box");
  Envelope envelope = p.roster.post(entered, "m", "e0");
  envelope.set_id("e1");
  envelope.mutable_actor()->set_role(Actor::ROLE_SERVICE);
  p.roster.append(envelope);
  CHECK(p.person().entries() == 1);
  const auto rejections = p.roster.views.rejections(kOnly);
  REQUIRE(rejections.size() == 1);
  CHECK(rejections.front().event_id == "e0");
  CHECK(rejections.front().reason == "actor.not_allowed");
}

}  // namespace sluice

// Computed rows by hand, where the simulation seldom comes: what is published without a position
// that moves, restores, commits that come late.

#include <catch2/catch.hpp>
#include <optional>

#include "projectors/engine/run/projector.h"
#include "storage/base/errors.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/ample_memory.h"
#include "tests/simulation/tally/projection.h"

namespace sluice::simulation {
namespace {

using std::chrono::milliseconds;

constexpr Partition kOnly{0};
const std::string kStream = "tally.events";

Generation generation() {
  return {.projection = "tally",
          .number = 1,
          .unique_id = "g",
          .version = Tally::kVersion,
          .partitions = 1,
          .dedupe_horizon = milliseconds{20'000},
          .live = true};
}

// A partition of boxes, its view, and a projector that is made again by restart().
class Boxes {
 public:
  Boxes() : writer_(log_.writer()), emitter_(*writer_, log_, 10), views(generation()) {
    log_.create(kStream, 1);
    log_.create("roster.events", 1);
    restart();
  }
  ~Boxes() { projector.reset(); }

  void restart() {
    take();
    read();
  }
  // Reads nothing yet.
  void take() {
    projector.reset();
    projector.emplace(projection_, generation(), kOnly, std::to_string(++takings_),
                      ProjectorParts{store_, sink, emitter_, probe_, memory_, &computations});
    position_ = projector->claim(log_.range(kStream, kOnly));
  }
  void read() {
    for (const auto& stored : log_.records(kStream, kOnly)) {
      if (stored.offset < position_) continue;
      projector->fold({kOnly, stored.offset, stored.appended_at, stored.key(), stored.value()});
      position_ = stored.offset.next();
    }
  }
  void lose_state() {
    projector.reset();
    state_.clear();
  }
  void add(const std::string& box, const std::string& member) {
    tally::Event event;
    event.mutable_member_added()->set_box_id(box);
    event.mutable_member_added()->set_member(member);
    Envelope envelope;
    envelope.set_id(std::to_string(++posted_));
    envelope.set_key(box);
    envelope.set_recorded_at(posted_);
    envelope.set_payload(event.SerializeAsString());
    const std::string bytes = envelope.SerializeAsString();
    NewRecord record{kOnly, box, bytes};
    writer_->append(kStream, {&record, 1});
    read();
  }
  void flush() { projector->flush(log_.range(kStream, kOnly).end); }
  int compute() {
    int computed = 0;
    for (; auto running = computations.begin(); ++computed) {
      computations.finish(std::move(running));
    }
    return computed;
  }
  // How many keys are due, as the projector says and as its state has them; -1: it does not know.
  std::int64_t due() {
    const auto progress = projector->computed_progress();
    if (!progress) return -1;
    std::string from;
    row_key::append_prefix(from, row_key::table_prefix(*DueComputation::descriptor()));
    std::int64_t stored = 0;
    for (const auto at = store_.scan(from, row_key::after_prefix(from)); at->valid(); at->next()) {
      ++stored;
    }
    CHECK(progress->due == stored);
    CHECK(progress->computing <= progress->due);
    return progress->due;
  }
  // As of where the box was computed, and of how many members.
  std::pair<std::int64_t, std::int64_t> summary(const std::string& box) {
    std::pair<std::int64_t, std::int64_t> found{-1, -1};
    views.for_each_row<tally::BoxSummary>([&](const tally::BoxSummary& row) {
      if (row.box_id() == box) found = {row.as_of(), row.members()};
    });
    return found;
  }

 private:
  const Projection projection_ = describe<Tally>("tally");
  MemoryLog log_{[] { return Time{milliseconds{1'700'000'000'000}}; }};
  std::unique_ptr<EventWriter> writer_;
  Emitter emitter_;
  MemoryState state_;
  MemoryStateStore store_{state_};
  Probe probe_;
  RowMemory memory_ = ample_memory();
  Offset position_;
  int takings_ = 0;
  int posted_ = 0;

 public:
  MemoryViews views;
  MemorySink sink{views};
  Computations computations{{.interval_min = milliseconds{0}, .interval_times = 0}};
  std::optional<Projector> projector;
};

using Summary = std::pair<std::int64_t, std::int64_t>;

}  // namespace

TEST_CASE("a result is published though nothing was folded since, and once") {
  Boxes boxes;
  boxes.add("b", "ann");
  boxes.flush();
  CHECK(boxes.compute() == 1);
  CHECK(boxes.summary("b") == Summary{-1, -1});
  boxes.flush();
  CHECK(boxes.summary("b") == Summary{1, 1});
  CHECK(boxes.views.position(kOnly).position == Offset{1});
  CHECK(boxes.views.position(kOnly).published == 1);
  boxes.flush();
  CHECK(boxes.compute() == 0);
  boxes.restart();
  CHECK(boxes.compute() == 0);
}

TEST_CASE("a result is of the state at its as_of, whatever is folded until it is published") {
  Boxes boxes;
  boxes.add("b", "ann");
  boxes.flush();
  boxes.add("b", "bob");
  CHECK(boxes.compute() == 1);
  boxes.flush();
  CHECK(boxes.summary("b") == Summary{1, 1});
  CHECK(boxes.compute() == 1);
  boxes.flush();
  CHECK(boxes.summary("b") == Summary{2, 2});
}

TEST_CASE("a result for a partition that was taken by another is dropped, and computed anew") {
  Boxes boxes;
  boxes.add("b", "ann");
  boxes.flush();
  auto running = boxes.computations.begin();
  boxes.restart();
  boxes.computations.finish(std::move(running));
  CHECK_FALSE(boxes.projector->computed());
  CHECK(boxes.compute() == 1);
  boxes.flush();
  CHECK(boxes.summary("b") == Summary{1, 1});
}

TEST_CASE("a zombie's result is fenced though no position moves") {
  Boxes boxes;
  boxes.add("b", "ann");
  boxes.flush();
  boxes.compute();
  boxes.sink.claim(kOnly, "another");
  CHECK_THROWS_AS(boxes.flush(), Fenced);
  CHECK(boxes.summary("b") == Summary{-1, -1});
}

TEST_CASE(
    "what a restored view lacks is computed again, also where it stands where the state does") {
  Boxes boxes;
  boxes.add("b", "ann");
  boxes.flush();
  const MemoryViews backup = boxes.views;
  boxes.compute();
  boxes.flush();
  boxes.views = backup;
  boxes.restart();
  CHECK(boxes.compute() == 1);
  boxes.flush();
  CHECK(boxes.summary("b") == Summary{1, 1});
}

TEST_CASE("a lost answer is settled by the number of publications") {
  const auto how = GENERATE(LostAnswer::committed, LostAnswer::not_committed);
  Boxes boxes;
  boxes.add("b", "ann");
  boxes.flush();
  boxes.compute();
  boxes.sink.lose_next_answer(how);
  boxes.flush();
  CHECK(boxes.projector->in_doubt());
  boxes.flush();
  CHECK_FALSE(boxes.projector->in_doubt());
  CHECK(boxes.views.position(kOnly).published == 1);
  CHECK(boxes.summary("b") == Summary{1, 1});
}

TEST_CASE("a commit that comes late does not bring computed rows back, though no position moved") {
  Boxes boxes;
  boxes.add("b", "ann");
  boxes.flush();
  boxes.compute();
  boxes.add("b", "bob");
  boxes.flush();  // with the first result; the next is of both
  boxes.compute();
  boxes.sink.lose_next_answer(LostAnswer::delayed);
  boxes.flush();
  boxes.flush();  // settles: the same once more
  CHECK(boxes.summary("b") == Summary{2, 2});
  const auto published = boxes.views.position(kOnly).published;
  boxes.sink.finish_delayed();
  CHECK(boxes.views.position(kOnly).published == published);
}

TEST_CASE("it is known how many keys are due, also after a restart") {
  Boxes boxes;
  CHECK(boxes.due() == 0);
  boxes.add("a", "ann");
  boxes.add("b", "ann");
  CHECK(boxes.due() == 0);  // what is not flushed is not yet behind
  boxes.flush();
  CHECK(boxes.due() == 2);
  boxes.add("a", "bob");
  boxes.flush();
  CHECK(boxes.due() == 2);
  boxes.restart();
  CHECK(boxes.due() == 2);
  auto running = boxes.computations.begin();
  CHECK(boxes.projector->computed_progress()->computing == 1);
  boxes.computations.finish(std::move(running));
  CHECK(boxes.due() == 2);  // readers have not seen it
  boxes.flush();
  CHECK(boxes.due() == 1);
  CHECK(boxes.projector->computed_progress()->computing == 0);
  boxes.compute();
  boxes.flush();
  CHECK(boxes.due() == 0);
}

TEST_CASE("a key that waits, or that changed while it was computed, is due") {
  Boxes boxes;
  for (const char* member : {"ann", "bob", "cid"}) boxes.add("b", member);
  boxes.flush();
  CHECK(boxes.compute() == 0);
  CHECK(boxes.due() == 1);
  boxes.add("b", "dan");
  boxes.flush();
  CHECK(boxes.due() == 1);
  auto running = boxes.computations.begin();
  boxes.add("b", "eve");
  boxes.flush();
  boxes.computations.finish(std::move(running));
  boxes.flush();
  CHECK(boxes.summary("b") == Summary{4, 4});
  CHECK(boxes.due() == 1);
}

TEST_CASE("a key that waits is computed all the same while a swap waits for it") {
  Boxes boxes;
  for (const char* member : {"ann", "bob", "cid"}) boxes.add("b", member);
  boxes.flush();
  CHECK(boxes.compute() == 0);
  boxes.projector->hurry(true);
  boxes.projector->maintain();
  CHECK(boxes.compute() == 1);
  boxes.flush();
  CHECK(boxes.summary("b") == Summary{3, 3});
  CHECK(boxes.due() == 0);
  boxes.projector->hurry(false);
  for (const char* member : {"dan", "eve", "fay", "gus"}) boxes.add("b", member);
  boxes.flush();
  CHECK(boxes.compute() == 0);
  CHECK(boxes.due() == 1);
}

TEST_CASE("nothing is computed in a hurry of a state that is not yet known to be of the log") {
  Boxes boxes;
  for (const char* member : {"ann", "bob", "cid"}) boxes.add("b", member);
  boxes.flush();
  boxes.take();
  boxes.projector->hurry(true);
  boxes.projector->maintain();
  CHECK(boxes.compute() == 0);
  boxes.read();
  boxes.projector->maintain();
  CHECK(boxes.compute() == 1);
  boxes.flush();
  CHECK(boxes.summary("b") == Summary{3, 3});
}

TEST_CASE("while the state catches up with the view it is not known what is due") {
  Boxes boxes;
  boxes.add("b", "ann");
  boxes.flush();
  boxes.lose_state();
  boxes.take();
  CHECK(boxes.due() == -1);
  boxes.restart();
  CHECK(boxes.due() == 1);
}

}  // namespace sluice::simulation

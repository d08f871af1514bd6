#include "projectors/engine/dedupe/dedupe.h"

#include <rapidcheck.h>
#include <xxhash.h>

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <vector>

#include "projectors/engine/dedupe/dedupe_mark.h"
#include "projectors/engine/dedupe/id_filter.h"
#include "storage/memory/memory_state.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kHorizon{1000};

// So small that some tens of marks are sealed, merged and turned over.
constexpr DedupeShape kSmall{.open_marks = 8,
                             .page_marks = 3,
                             .segment_marks = 40,
                             .slices = 4,
                             .fan_in = 2,
                             .merge_pace = 2,
                             .merge_marks_min = 5,
                             .filter_bytes_max = std::size_t{1} << 20};

EventId id_of(std::uint64_t number) {
  const XXH128_hash_t hash = XXH3_128bits(&number, sizeof(number));
  return {hash.high64, hash.low64};
}

Time at(std::int64_t ms) { return Time(milliseconds(ms)); }

// What a window must answer: the newest mark of each id.
struct Model {
  struct Mark {
    std::uint64_t content;
    std::int64_t ms;
  };
  std::map<EventId, Mark> newest;
  std::int64_t now_ms = 0;

  [[nodiscard]] std::optional<std::uint64_t> seen(EventId id) const {
    const auto mark = newest.find(id);
    if (mark == newest.end() || mark->second.ms <= now_ms - kHorizon.count()) {
      return std::nullopt;
    }
    return mark->second.content;
  }
};

// A window and its model, driven as a projector drives it: positions ascend, a batch is written or
// the window reloaded, and what the store loses is lost to position and record time as well.
class Driven {
 public:
  explicit Driven(DedupeShape shape) : shape_(shape), window_(store_, kHorizon, shape) {
    window_.reload();
    written_.push_back(model_);
  }

  void pass(std::int64_t ms) { model_.now_ms += ms; }

  void event(EventId id) {
    ++position_;
    check(id);
    if (!model_.seen(id)) {
      mark(id);
    }
  }

  // Marks whether or not it was seen.
  void mark(EventId id) {
    ++position_;
    window_.mark(id, next_content_, at(model_.now_ms));
    model_.newest[id] = {next_content_++, model_.now_ms};
  }

  void check(EventId id) {
    const auto got = window_.seen(id, at(model_.now_ms));
    const auto want = model_.seen(id);
    if (got != want) {
      FAIL_CHECK("an id was " << (want ? "forgotten or mistaken" : "remembered too long"));
      RC_FAIL("the window differs from the model");
    }
  }

  void check_all() {
    for (const auto& [id, mark] : model_.newest) {
      check(id);
    }
  }

  void write() {
    store_.write(build());
    written_.push_back(model_);
  }

  // A batch that was built and not written.
  void fail_to_write() {
    build();
    reload();
  }

  void reload() {
    window_.reload();
    model_ = written_.back();
  }

  void forget_unwritten() {
    window_.forget_unwritten();
    model_ = written_.back();
  }

  // The process ends, and the store comes back without its newest batches.
  void crash(std::size_t batches) {
    const std::size_t lost = state_.lose_newest(std::min(batches, written_.size() - 1));
    written_.resize(written_.size() - lost);
    model_ = written_.back();
    window_.reload();
  }

  [[nodiscard]] const MemoryState& state() const { return state_; }
  [[nodiscard]] DedupeWindow& window() { return window_; }

 private:
  StateBatch build() {
    StateBatch batch;
    window_.write(batch, Offset{position_}, at(model_.now_ms));
    return batch;
  }

  DedupeShape shape_;
  MemoryState state_;
  MemoryStateStore store_{state_};
  DedupeWindow window_;
  Model model_;
  std::vector<Model> written_;  // what each batch in the store says
  std::int64_t position_ = 0;
  std::uint64_t next_content_ = 1;
};

// Few ids, so that most come again; some share the half that orders them, some the half that places
// them in filters and tables.
EventId crowded_id(std::uint64_t number) {
  const EventId id = id_of(number);
  switch (number % 4) {
    case 0:
      return {7, id.low % 50};
    case 1:
      return {id.high % 50, 7};
    default:
      return id;
  }
}

std::int64_t pause_ms(int choice) {
  switch (choice) {
    case 0:
      return 2500;
    case 1:
      return 999;
    case 2:
      return 1000;
    case 3:
      return 250;
    default:
      return choice % 3;
  }
}

void drive(Driven& driven) {
  const int steps = *rc::gen::inRange(1, 400);
  const auto ids = *rc::gen::element<std::uint64_t>(20, 100, 1000);
  const int stillness = *rc::gen::element(10, 60, 500);
  std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
  const auto below = [&](std::uint64_t n) { return random() % n; };
  for (int step = 0; step < steps; ++step) {
    driven.pass(pause_ms(static_cast<int>(below(static_cast<std::uint64_t>(stillness)))));
    for (std::uint64_t n = below(8); n > 0; --n) {
      driven.event(crowded_id(below(ids)));
    }
    switch (below(24)) {
      case 0:
        driven.fail_to_write();
        break;
      case 1:
        driven.reload();
        break;
      case 2:
        driven.crash(below(12));
        break;
      case 3:
        driven.mark(crowded_id(below(ids)));
        break;
      case 4:
        driven.check_all();
        break;
      case 5:
        break;  // nothing written: the next write is a larger one
      case 6:
        driven.forget_unwritten();
        break;
      default:
        driven.write();
    }
  }
  driven.check_all();

  // Whatever happened before, what has aged out leaves nothing behind.
  driven.pass(1001);
  driven.write();
  RC_ASSERT(driven.state().rows().empty());
}

std::size_t count(const MemoryState& state, std::string_view from, std::string_view to) {
  const auto& rows = state.rows();
  return static_cast<std::size_t>(std::distance(rows.lower_bound(from), rows.lower_bound(to)));
}

TEST_CASE("a window answers as a map of newest marks does, whatever is lost, sealed or merged") {
  CHECK(rc::check([] {
    DedupeShape shape = kSmall;
    shape.open_marks = *rc::gen::element<std::size_t>(1, 8, 30);
    shape.fan_in = *rc::gen::element<std::size_t>(2, 3, 4);
    shape.filter_bytes_max = *rc::gen::element<std::size_t>(0, 400, 1000, 1 << 20);
    SharedBytes filters(*rc::gen::element<std::size_t>(0, 700, 1 << 20));
    shape.filters = *rc::gen::element<SharedBytes*>(nullptr, &filters);
    Driven driven(shape);
    drive(driven);
  }));
}

TEST_CASE("a window has filters in what the others leave, and gives it back") {
  constexpr std::size_t kMost = 2000, kOwn = 500;
  SharedBytes filters(kMost);
  DedupeShape shape = kSmall;
  shape.filter_bytes_max = kOwn;
  shape.filters = &filters;
  const auto fill = [](Driven& driven, std::uint64_t from) {
    for (std::uint64_t n = from; n < from + 400; ++n) {
      driven.event(id_of(n));
      if (n % 8 == 0) driven.write();
    }
  };
  {
    Driven one(shape);
    fill(one, 0);
    const std::size_t alone = filters.held();
    CHECK(alone > kOwn);
    CHECK(alone <= kMost);
    one.reload();
    CHECK(filters.held() > kOwn);
    CHECK(filters.held() <= kMost);
    Driven two(shape);
    fill(two, 1000);
    CHECK(filters.held() > alone);
    CHECK(filters.held() <= kMost + kOwn);  // it has its own part in any case
    fill(one, 2000);
    CHECK(filters.held() <= kMost);
    one.check_all();
    two.check_all();
  }
  CHECK(filters.held() == 0);
}

TEST_CASE("a mark counts until its own time is a horizon past, though its segment is kept") {
  Driven driven(kSmall);
  driven.event(id_of(1));
  driven.write();
  driven.pass(999);
  driven.event(id_of(2));
  driven.write();
  CHECK(driven.window().seen(id_of(1), at(999)));
  CHECK_FALSE(driven.window().seen(id_of(1), at(1000)));
  CHECK(driven.window().seen(id_of(2), at(1998)));
  CHECK_FALSE(driven.window().seen(id_of(2), at(1999)));
}

TEST_CASE("ids that differ in one bit are two ids") {
  MemoryState state;
  MemoryStateStore store(state);
  DedupeWindow window(store, kHorizon, kSmall);
  window.reload();
  const EventId id{0x0123456789abcdef, 0xfedcba9876543210};
  window.mark(id, 1, at(0));
  for (int round = 0; round < 2; ++round) {
    for (int bit = 0; bit < 64; ++bit) {
      CHECK_FALSE(window.seen({id.high ^ std::uint64_t{1} << bit, id.low}, at(0)));
      CHECK_FALSE(window.seen({id.high, id.low ^ std::uint64_t{1} << bit}, at(0)));
    }
    CHECK(window.seen(id, at(0)) == 1);
    StateBatch batch;  // the second round is over a sealed run
    window.write(batch, Offset{1}, at(500));
    store.write(batch);
  }
}

TEST_CASE("what has aged out leaves the store, merged or being merged") {
  Driven driven(kSmall);
  for (std::uint64_t i = 0; i < 500; ++i) {
    driven.event(id_of(i));
    if (i % 3 == 0) {
      driven.write();
    }
  }
  REQUIRE(count(driven.state(), "dr", "ds") > 50);
  driven.pass(1001);
  driven.write();
  CHECK(driven.state().rows().empty());
}

TEST_CASE("merges keep up: a quiet end leaves each closed segment one run") {
  Driven driven(kSmall);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    driven.event(id_of(i));
    if (i % 5 == 0) {
      driven.write();
    }
  }
  const std::size_t behind = count(driven.state(), "dm", "dn");
  CHECK(behind < 2000 / 40 + 40);
  for (int i = 0; i < 500; ++i) {
    driven.write();
  }
  CHECK(count(driven.state(), "dm", "dn") <= 2000 / 32 + 6);
  driven.check_all();
}

TEST_CASE("a filter holds what was added and little else") {
  constexpr std::uint64_t kIds = 100'000;
  dedupe::IdFilter filter(kIds);
  for (std::uint64_t i = 0; i < kIds; ++i) {
    filter.add(id_of(i));
  }
  std::uint64_t missed = 0;
  std::uint64_t mistaken = 0;
  for (std::uint64_t i = 0; i < kIds; ++i) {
    missed += filter.may_hold(id_of(i)) ? 0 : 1;
    mistaken += filter.may_hold(id_of(kIds + i)) ? 1 : 0;
  }
  CHECK(missed == 0);
  CHECK(mistaken < kIds / 500);
  CHECK(filter.bytes() < kIds * 17 / 8);
}

TEST_CASE("of real size, every duplicate of 300,000 ids is found, before and after a restart") {
  constexpr std::uint64_t kIds = 300'000;
  MemoryState state(1);
  MemoryStateStore store(state);
  const milliseconds day = std::chrono::hours(24);
  DedupeWindow window(store, day);
  window.reload();
  for (std::uint64_t i = 0; i < kIds; ++i) {
    const Time now = at(static_cast<std::int64_t>(i) * 100);
    if (window.seen(id_of(i), now)) {
      FAIL("a new id was seen");
    }
    window.mark(id_of(i), i, now);
    if (i % 10'000 == 9'999) {
      StateBatch batch;
      window.write(batch, Offset{static_cast<std::int64_t>(i) + 1}, now);
      store.write(batch);
    }
  }
  CHECK(window.bytes() < 16 << 20);
  const Time end = at(static_cast<std::int64_t>(kIds) * 100);
  const auto forgotten = [&] {
    std::uint64_t ids = 0;
    for (std::uint64_t i = 0; i < kIds; ++i) {
      ids += window.seen(id_of(i), end) == i ? 0 : 1;
    }
    return ids;
  };
  CHECK(forgotten() == 0);
  window.reload();
  CHECK(forgotten() == 0);
}

}  // namespace
}  // namespace sluice

// Timers against a sorted list, with so few in memory that most are met in the state.

#include "projectors/engine/time/timers.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "projectors/engine/time/ticker.h"
#include "storage/memory/memory_state.h"
#include "tests/support/flush_tables.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

Time at(std::int64_t count) { return Time{milliseconds{count}}; }

// What a partition does to its timers: flushes and forgets as it does rows.
class Kept {
 public:
  explicit Kept(std::size_t soonest_max)
      : store_(state_), tables_(store_), timers_(tables_, soonest_max) {}

  Timers& timers() { return timers_; }
  void flush() { flush_tables(tables_, store_); }
  void forget() {
    tables_.drop();
    timers_.load();
  }
  std::uint64_t edits() const { return tables_.edits(); }

 private:
  MemoryState state_;
  MemoryStateStore store_;
  Tables tables_;
  Timers timers_;
};

using Turn = std::tuple<Time, std::string, int>;

}  // namespace

TEST_CASE("timers fire in the order of due, key and kind, each once, whatever was forgotten") {
  CHECK(rc::check("timers", [] {
    Kept kept(static_cast<std::size_t>(*rc::gen::inRange(1, 5)));
    std::map<std::pair<std::string, int>, Time> model;
    std::map<std::pair<std::string, int>, Time> flushed;
    for (const int what : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 10'000))) {
      const std::string key = std::string("k\0", 2) + std::to_string(what / 10 % 7);
      const int kind = what / 100 % 3 - 1;
      const Time due = at(what / 300 - 10);
      if (what % 10 < 5) {
        kept.timers().set({key, kind, due});
        model[{key, kind}] = due;
      } else if (what % 10 == 5) {
        kept.timers().cancel(key, kind);
        model.erase({key, kind});
      } else if (what % 10 == 6) {
        kept.flush();
        flushed = model;
      } else if (what % 10 == 7) {
        kept.forget();
        model = flushed;
      } else {
        std::set<Turn> turns;
        for (const auto& [id, when] : model) turns.emplace(when, id.first, id.second);
        const bool none = turns.empty() || std::get<0>(*turns.begin()) > due;
        const auto fired = kept.timers().take_due(due);
        RC_ASSERT(fired.has_value() == !none);
        if (!fired) continue;
        RC_ASSERT(Turn(fired->due, fired->key, fired->kind) == *turns.begin());
        model.erase({std::string(fired->key), fired->kind});
      }
      std::optional<Time> first;
      for (const auto& [id, when] : model) first = std::min(first.value_or(when), when);
      RC_ASSERT(kept.timers().next_due() == first);
    }
  }));
}

TEST_CASE("setting and cancelling are edits, cancelling nothing is none") {
  Kept kept(10);
  kept.timers().cancel("k", 0);
  CHECK(kept.edits() == 0);
  kept.timers().set({"k", 0, at(5)});
  const auto set = kept.edits();
  CHECK(set > 0);
  kept.timers().cancel("k", 0);
  CHECK(kept.edits() > set);
}

TEST_CASE("a tick lags the clock, comes once for a due time, and only at the end of the log") {
  Ticker ticker;
  Ticker::Quiet quiet{at(1000), Offset{7}, true, at(1499)};
  CHECK_FALSE(ticker.due(quiet));
  quiet.wall = at(1500);
  quiet.caught_up = false;
  CHECK_FALSE(ticker.due(quiet));
  quiet.caught_up = true;
  CHECK(ticker.due(quiet) == at(1000));
  quiet.next_due.reset();
  CHECK_FALSE(ticker.due(quiet));

  quiet.next_due = at(1000);
  ticker.ticked(quiet, Offset{7});
  quiet.wall = at(5000);
  CHECK_FALSE(ticker.due(quiet));  // it is on its way
  quiet.position = Offset{8};
  quiet.next_due = at(1001);
  CHECK(ticker.due(quiet) == at(4500));
}

TEST_CASE("a tick that did not fire its timer, or does not come, is repeated, but not at once") {
  Ticker ticker;
  Ticker::Quiet quiet{at(1000), Offset{7}, true, at(2000)};
  ticker.ticked(quiet, Offset{7});
  SECTION("folded in vain") {
    quiet.position = Offset{8};
    quiet.wall = at(2999);
    CHECK_FALSE(ticker.due(quiet));
    quiet.wall = at(3000);
    CHECK(ticker.due(quiet) == at(2500));
  }
  SECTION("lost by the log") {
    quiet.wall = at(11'999);
    CHECK_FALSE(ticker.due(quiet));
    quiet.wall = at(12'000);
    CHECK(ticker.due(quiet) == at(11'500));
  }
  SECTION("the clock has stepped back") {
    quiet.position = Offset{8};
    quiet.wall = at(1600);
    CHECK(ticker.due(quiet) == at(1100));
  }
}

}  // namespace sluice

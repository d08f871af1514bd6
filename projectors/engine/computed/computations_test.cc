// Computations with real threads, and by hand on a clock of the test's.

#include "projectors/engine/computed/computations.h"

#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "projectors/engine/computed/running_computation.h"
#include "projectors/engine/tables/row_key.h"
#include "sluice/state.pb.h"
#include "storage/base/errors.h"
#include "storage/memory/memory_state.h"
#include "tests/support/eventually.h"

namespace sluice {
namespace {

using namespace std::chrono_literals;

// What computations do here, and how often they have done it.
struct Deeds {
  std::atomic<int> reads = 0;
  std::atomic<int> stopped = 0;
  std::atomic<bool> reads_for_long = false;  // until stopped
  std::atomic<bool> computes_for_long = false;
  std::atomic<bool> fails = false;
  std::atomic<bool> breaks = false;
};
Deeds* deeds = nullptr;

void wait_for(const std::stop_token& stop) {
  while (!stop.stop_requested()) std::this_thread::yield();
  ++deeds->stopped;
}

// Of a key: the number of rows that the state has.
// As by a wrong call of the engine.
void break_a_check() {
  DueComputation row;
  row_key::set_key(row, "no key");
}

class CountOfRows final : public Computation {
 public:
  explicit CountOfRows(std::string_view key) : key_(key) {}
  bool read(const StateSnapshot& state, const std::stop_token& stop) override {
    ++deeds->reads;
    if (deeds->fails) throw Retryable("the disk is away");
    for (const auto at = state.scan({}, {}); at->valid(); at->next()) ++rows_;
    if (deeds->reads_for_long) wait_for(stop);
    return !stop.stop_requested();
  }
  bool compute(const std::stop_token& stop) override {
    if (deeds->computes_for_long) wait_for(stop);
    if (deeds->breaks) break_a_check();
    return !stop.stop_requested();
  }
  ComputedRows rows(const ComputedAt&) override { return {key_ + "=" + std::to_string(rows_), {}}; }

 private:
  const std::string key_;
  int rows_ = 0;
};

const Computed kCounts{*DueComputation::descriptor(),
                       [](const google::protobuf::Message&) { return Demand{}; },
                       [](std::string_view key) -> std::unique_ptr<Computation> {
                         return std::make_unique<CountOfRows>(key);
                       }};

struct Fixture {
  explicit Fixture(ComputationRoom room = {})
      : computations({.interval_min = 0ms, .interval_times = 0}, room) {
    deeds = &done;
    partition = computations.add(kCounts, state, "counts:0");
  }
  void put(const std::string& key, std::int64_t position) {
    StateBatch batch;
    batch.put(key, "value");
    state->write(batch, Offset{position});
  }
  void offer(const std::string& key, std::int64_t changed_at) {
    computations.offer(partition, {key, Offset{changed_at}, 1, false});
  }
  // Runs what may begin, here and now.
  int run_all() {
    int ran = 0;
    for (; auto running = computations.begin(); ++ran) computations.finish(std::move(running));
    return ran;
  }
  std::vector<std::string> results() {
    std::vector<std::string> all;
    taken = computations.take(partition);
    for (const auto& result : taken) {
      all.push_back(result.rows.key + "@" + std::to_string(result.as_of.value));
    }
    return all;
  }

  Deeds done;
  MemoryState memory;
  MemoryStateStore store{memory};
  std::shared_ptr<SharedState> state = std::make_shared<SharedState>(store);
  Computations computations;
  std::uint64_t partition;
  std::vector<ComputedResult> taken;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a computation sees the state of its as_of, whatever is written meanwhile") {
  Fixture f;
  f.put("x", 3);
  f.offer("a", 3);
  auto running = f.computations.begin();
  f.put("y", 9);
  f.computations.finish(std::move(running));
  CHECK(f.results() == Texts{"a=1@3"});
}

TEST_CASE(
    "so many results are taken at a time that a flush is not held up by all, and none twice") {
  Fixture f({.results = 64, .bytes_taken = 1});
  f.put("x", 3);
  for (const char* key : {"a", "b", "c"}) f.offer(key, 3);
  CHECK(f.run_all() == 3);
  Texts all;
  for (int i = 0; i < 3; ++i) {
    CHECK(f.computations.finished(f.partition));
    const Texts some = f.results();
    CHECK(some.size() == 1);
    all.insert(all.end(), some.begin(), some.end());
    f.computations.published(f.partition, f.taken);
  }
  CHECK_FALSE(f.computations.finished(f.partition));
  CHECK(all == Texts{"a=1@3", "b=1@3", "c=1@3"});
}

TEST_CASE("a key is not begun again before its result is published") {
  Fixture f;
  f.put("x", 3);
  f.offer("a", 3);
  CHECK(f.run_all() == 1);
  f.put("y", 4);
  f.offer("a", 4);
  CHECK(f.run_all() == 0);
  CHECK(f.results() == Texts{"a=1@3"});
  CHECK(f.run_all() == 0);
  f.computations.published(f.partition, f.taken);
  CHECK(f.run_all() == 1);
  CHECK(f.results() == Texts{"a=2@4"});
}

TEST_CASE("results that nobody publishes hold up what comes next") {
  Fixture f({.results = 2});
  f.put("x", 3);
  for (const char* key : {"a", "b", "c"}) f.offer(key, 3);
  CHECK(f.run_all() == 2);
  CHECK(f.computations.totals().unpublished == 2);
  (void)f.results();
  CHECK(f.run_all() == 0);
  f.computations.published(f.partition, f.taken);
  CHECK(f.run_all() == 1);
  // So do those of a partition that is gone no longer.
  f.computations.remove(f.partition);
  CHECK(f.computations.totals().unpublished == 0);
}

TEST_CASE("a result for a lost partition is dropped") {
  Fixture f;
  f.put("x", 3);
  f.offer("a", 3);
  auto running = f.computations.begin();
  f.computations.remove(f.partition);
  f.state->close();
  f.computations.finish(std::move(running));
  const auto other = f.computations.add(kCounts, std::make_shared<SharedState>(f.store), "other");
  CHECK_FALSE(f.computations.finished(other));
  CHECK(f.computations.totals().unpublished == 0);
}

TEST_CASE("closing a partition stops who reads its state, and waits for them") {
  Fixture f;
  std::jthread pool([&](const std::stop_token& stop) { f.computations.run(stop); });
  f.done.reads_for_long = true;
  f.put("x", 3);
  f.offer("a", 3);
  REQUIRE(testing::eventually([&] { return f.done.reads == 1; }));
  f.computations.remove(f.partition);
  f.state->close();
  CHECK(f.done.stopped == 1);
}

TEST_CASE("closing a partition does not wait for who has read its state") {
  Fixture f;
  std::jthread pool([&](const std::stop_token& stop) { f.computations.run(stop); });
  f.done.computes_for_long = true;
  f.put("x", 3);
  f.offer("a", 3);
  REQUIRE(testing::eventually([&] { return f.computations.totals().now.running == 1; }));
  f.computations.remove(f.partition);
  f.state->close();
  CHECK(testing::eventually([&] { return f.done.stopped == 1; }));
}

TEST_CASE("a computation that fails, or breaks a CHECK, is told of and tried again") {
  Fixture f;
  std::atomic<bool>& failing = GENERATE(true, false) ? f.done.fails : f.done.breaks;
  failing = true;
  f.put("x", 3);
  f.offer("a", 3);
  f.run_all();
  CHECK(f.computations.totals().failed >= 1);
  CHECK(f.results().empty());
  failing = false;
  CHECK(testing::eventually([&] { return f.run_all() == 1; }));
  CHECK(f.results() == Texts{"a=1@3"});
}

TEST_CASE("threads compute all that is offered, from many partitions, until they are stopped") {
  Fixture f;
  f.put("x", 1);
  const auto second = std::make_shared<SharedState>(f.store);
  const auto other = f.computations.add(kCounts, second, "other");
  std::vector<std::jthread> pool;
  for (int i = 0; i < 3; ++i) {
    pool.emplace_back([&](const std::stop_token& stop) { f.computations.run(stop); });
  }
  std::size_t published = 0;
  for (int i = 0; i < 200; ++i) {
    f.offer(std::to_string(i), 1);
    f.computations.offer(other, {std::to_string(i), Offset{1}, 1, false});
  }
  CHECK(testing::eventually([&] {
    for (const auto partition : {f.partition, other}) {
      const auto results = f.computations.take(partition);
      published += results.size();
      f.computations.published(partition, results);
    }
    return published == 400;
  }));
  CHECK(f.computations.totals().done == 400);
  CHECK(f.computations.totals().now.due == 0);
}

}  // namespace sluice
